import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Files of one worker share what they import: reading it anew for each would take a minute in all.
const common = { testTimeout: 180_000, hookTimeout: 300_000, pool: 'threads', isolate: false } as const;

/** Tests without servers come first, while the servers start. */
class UnitFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const of = (unit: boolean) => sorted.filter(({ project }) => (project.name === 'unit') === unit);
    return [...of(true), ...of(false)];
  }
}

export default defineConfig({
  test: {
    // Tests against servers wait most of the time: more of them than processors keep those busy.
    maxWorkers: 3,
    sequence: { sequencer: UnitFirst },
    projects: [
      {
        test: { ...common, name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/**/*.e2e.test.ts'] },
      },
      {
        test: {
          ...common,
          name: 'servers',
          include: ['test/**/*.e2e.test.ts'],
          globalSetup: ['test/env/global.ts'],
        },
      },
    ],
  },
});
