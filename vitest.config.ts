import { defineConfig } from 'vitest/config';

// Files of one worker share what they import: reading it anew for each would take a minute in all.
const common = { testTimeout: 180_000, hookTimeout: 300_000, pool: 'threads', isolate: false } as const;

export default defineConfig({
  test: {
    // Tests against servers wait most of the time: more of them than processors keep those busy.
    maxWorkers: 3,
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
