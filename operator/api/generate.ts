// `npm run generate`: writes what follows from the contract's schema.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generatedFiles } from './generated.ts';

const folder = join(import.meta.dirname, '..', '..', 'crds');
await mkdir(folder, { recursive: true });
for (const [name, text] of Object.entries(generatedFiles())) await writeFile(join(folder, name), text);
