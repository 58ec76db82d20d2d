import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Files of one worker share what they import: reading it anew for each would take a minute in all.
const common = { testTimeout: 180_000, hookTimeout: 300_000, pool: 'threads', isolate: false } as const;

/** Files that take longest for their size. */
const LONG = [
  'test/policy/transitions.test.ts',
  'test/policy/rotation-search.test.ts',
  'test/e2e/crash.e2e.test.ts',
  'test/demo/demo.e2e.test.ts',
  'test/e2e/economy.e2e.test.ts',
  'test/e2e/outage-cluster.e2e.test.ts',
  'test/kubernetes/lease.e2e.test.ts',
];

/** Tests without servers come first, while the servers start; of either kind, those that take long. */
class UnitFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project, moduleId }: TestSpecification) =>
      (project.name === 'unit' ? 0 : 2) + (LONG.some(path => moduleId.endsWith(path)) ? 0 : 1);
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
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
