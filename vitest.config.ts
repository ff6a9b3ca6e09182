import { defineConfig } from 'vitest/config';

/** `vitest run` runs all that needs nothing but Node; `vitest run --mode qemu` compares with a live QEMU. */
export default defineConfig(({ mode }) => {
  const live = mode === 'qemu';
  return {
    test: {
      include: [live ? 'test/qemu/**/*.test.ts' : 'test/**/*.test.ts'],
      exclude: live ? [] : ['test/qemu/**'],
      pool: 'forks',
      maxWorkers: '100%',
      testTimeout: 60_000,
      hookTimeout: 60_000,
      reporters: ['default', 'json'],
      outputFile: { json: `.reports/${live ? 'qemu' : 'unit'}.json` },
    },
  };
});
