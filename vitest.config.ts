import { defineConfig } from 'vitest/config';

/** Runs that need more than Node, by their mode: each has a folder and a report of its own. */
const MODES = ['qemu', 'linux', 'examples'];

/** Those in which Linux boots. */
const BOOTING = ['linux', 'examples'];

/**
 * `vitest run` runs all that needs nothing but Node; `vitest run --mode qemu` compares with a live QEMU,
 * `vitest run --mode linux` boots Linux in v86, `vitest run --mode examples` runs the examples, one of them in Chromium.
 */
export default defineConfig(({ mode }) => {
  const name = MODES.find((each) => each === mode);
  return {
    test: {
      include: [name === undefined ? 'test/**/*.test.ts' : `test/${name}/**/*.test.ts`],
      exclude: name === undefined ? MODES.map((each) => `test/${each}/**`) : [],
      globalSetup: BOOTING.includes(mode) ? ['scripts/linux/prepare.mjs'] : [],
      pool: 'forks',
      maxWorkers: '100%',
      testTimeout: 60_000,
      hookTimeout: 60_000,
      reporters: ['default', 'json'],
      outputFile: { json: `.reports/${name ?? 'unit'}.json` },
    },
  };
});
