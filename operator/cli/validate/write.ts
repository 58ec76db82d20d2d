import { stringify } from 'yaml';
import type { Format } from '../validate.ts';
import type { Report } from './finding.ts';
import { asGithub } from './github.ts';
import { asSarif } from './sarif.ts';
import { asText } from './text.ts';

/** A report in one of the formats. */
export function write(report: Report, format: Format, colours: boolean): string {
  switch (format) {
    case 'text':
      return asText(report, colours);
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`;
    case 'yaml':
      return stringify(report);
    case 'sarif':
      return `${JSON.stringify(asSarif(report), null, 2)}\n`;
    case 'github':
      return asGithub(report);
  }
}
