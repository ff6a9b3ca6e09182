import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../examples/v86/terminal.js', import.meta.url));
const MOST_MS = 200_000;

/** Runs the example without a terminal to type on. */
function run(environment: NodeJS.ProcessEnv = {}) {
  return new Promise<{ code: unknown; output: string; errors: string }>((resolve) => {
    const options = { env: { ...process.env, ...environment }, timeout: MOST_MS, maxBuffer: 2 ** 24 };
    const child = execFile(process.execPath, [PROGRAM], options, (error, output, errors) => {
      resolve({ code: error === null ? 0 : error.code, output: output.replaceAll('\r', ''), errors });
    });
    child.stdin?.end();
  });
}

describe('npm run example:linux, without a terminal to type on', () => {
  test(
    'boots, lists the mappings, attacks, explains, and ends',
    async () => {
      const { code, output, errors } = await run();
      expect(errors).toBe('');
      expect(output).toMatch(/DMAR: Intel\(R\) Virtualization Technology for Directed I\/O/);
      expect(output).toMatch(/guest# /);
      expect(output).toMatch(/\n00:1e\.0 ide: domain \d+, 48 bits, 4 levels, \d+ KiB mapped\n {2}0xf\w{7} - 0xf\w{7} /);
      expect(output).toMatch(/\n00:0c\.0 virtio_console: domain \d+, .*\n {2}0xf\w{7} - 0xf\w{7} +r?w/);
      expect(output).toMatch(/\nide wrote 0 of 12 bytes to 0x1000000, /);
      expect(output).toMatch(/DMAR: \[DMA Write NO_PASID\] Request device \[0000:00:1e\.0\] fault addr 0x1000000/);
      expect(output).toMatch(/\n=> fault LGN\.2 \(0x05\): no permission to write/);
      expect(output).toMatch(/\ntranslations [\d,]+, [\d,]+\/s {2}hit rate [\d.]+% {2}faults 1 /);
      expect(code).toBe(0);
    },
    MOST_MS,
  );

  test('says what to do when there is no kernel', async () => {
    const { code, output, errors } = await run({ INTEL_IOMMU_KERNEL: '/nowhere/bzImage' });
    expect(errors).toMatch(/^INTEL_IOMMU_KERNEL names \/nowhere\/bzImage, where there is nothing\n$/);
    expect(output).toBe('');
    expect(code).toBe(1);
  });
});
