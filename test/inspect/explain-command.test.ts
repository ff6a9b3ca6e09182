import { describe, expect, test } from 'vitest';
import { loadModelled } from '../../src/cli/captures/load.js';
import { captureJson, captures, jsonLines, vtd } from '../cli/vtd.js';

const CAPTURE = 'legacy48-vfio';

/** Requests of the bundled capture: mapped, not mapped, beyond the width, no such device. */
const REQUESTS = [
  ['--device', '00:04.0', '--iova', '0xfffe0058'],
  ['--device', '00:04.0', '--iova', '0xfffe0058', '--atomic'],
  ['--device', '00:04.0', '--iova', '0x58', '--write'],
  ['--sid', '0x20', '--iova', '0x1000000000000'],
  ['--sid', '0x20', '--iova', '0xfee00000', '--zlr'],
  ['--sid', '0xffff', '--iova', '0'],
  ['--sid', '0x20', '--iova', '0', '--pasid', '1'],
];

describe('vtd explain', () => {
  test.each(REQUESTS)(
    '--json tells what vtd translate tells, and how it came to that: %s %s %s %s %s',
    async (...options) => {
      const words = options.filter((word) => word !== undefined);
      const [translated] = jsonLines(await vtd(['translate', CAPTURE, ...words, '--json']));
      const answer = await vtd(['explain', CAPTURE, ...words, '--json']);
      const lines = jsonLines<{ steps: { kind: string; address?: string; raw?: string[]; passed: boolean }[] }>(answer);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatchObject(translated);
      expect(answer).toMatchObject({ code: 0, stderr: '' });
      expect(lines[0].steps.every(({ passed }) => passed)).toBe(translated.ok);
      for (const { kind, address, raw } of lines[0].steps) {
        if (kind === 'entry') expect([address, ...(raw ?? [])].join(' ')).toMatch(/^0x[0-9a-f]+( 0x[0-9a-f]+)*$/);
      }
    },
  );

  test('prints the explanation as text', async () => {
    const [{ text }] = jsonLines(await vtd(['explain', CAPTURE, ...REQUESTS[2], '--json']));
    const { code, stdout, stderr } = await vtd(['explain', CAPTURE, ...REQUESTS[2]]);
    expect(stdout).toBe(`${text}\n`);
    expect(stdout.split('\n')[0]).toBe('00:04.0 writes 0x58');
    expect(stdout).toContain('=> fault LGN.2 (0x05): no permission to write (§7.1.3)');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('--translation tells what a device-TLB would get, in text and as JSON', async () => {
    const asked = ['--device', '00:04.0', '--iova', '0xfffe0058', '--translation', '--no-write'];
    const [line] = jsonLines<{ ok: boolean; completion: { status: string }; text: string }>(
      await vtd(['explain', CAPTURE, ...asked, '--json']),
    );
    // its context entry has TT=0
    expect(line).toMatchObject({
      ok: false,
      condition: 'LCT.5',
      reason: 0xd,
      completion: { status: 'unsupported-request', fault: { condition: 'LCT.5' } },
    });
    const { stdout } = await vtd(['explain', CAPTURE, ...asked]);
    expect(stdout).toBe(`${line.text}\n`);
    expect(stdout).toContain('=> unsupported request, fault LCT.5 (0x0d)');
  });

  test.each([
    [['--device', '00:04.0'], 'which address? give --iova X'],
    [['--iova', '0'], 'which requester? give --device BDF or --sid N'],
    [['--sid', '32', '--iova', '0', '--write', '--zlr'], '--write and --zlr are given: a request is one of them'],
    [
      ['--sid', '32', '--iova', '0', '--write', '--translation'],
      '--translation and --write are given: it is one kind of request',
    ],
    [['--sid', '32', '--iova', '0', '--no-write'], '--no-write belongs to a translation request: give --translation'],
    [
      ['--sid', '32', '--msi', '0xfee00000', '--translation'],
      '--msi and --translation are given: it is one kind of request',
    ],
    [['--sid', '32', '--iova', '0', '--why'], 'unknown option --why'],
    [['--sid', '32', '--iova', '0', '--privileged'], 'only requests with PASID are privileged: give --pasid N'],
  ])('with wrong options %j says so in one line and exits with 2', async (options, message) => {
    const answer = await vtd(['explain', CAPTURE, ...options]);
    expect(answer).toEqual({ code: 2, stdout: '', stderr: `vtd: ${message}\n` });
  });
});

describe("the explanation of every probe of a capture ends as QEMU's answer", () => {
  test.each(captures)('$name', ({ path, scalable }) => {
    const { unit } = loadModelled(path);
    for (const [sourceId, iova, kind, outcome, answer] of captureJson(path, 'oracle.json').dma) {
      if (outcome === 'bypass') continue;
      const request = { sourceId, iova: BigInt(iova), access: kind === 'w' ? 'write' : 'read' } as const;
      const { result, fault } = unit.explain(request);
      // QEMU has the codes of legacy mode for some conditions of scalable mode
      const legacyCode = scalable && outcome === 'fault' && Number(answer) <= 0x0e;
      if (legacyCode) {
        expect(fault?.condition).toMatch(/^(SCT\.2|SSS\.2|SGN\.[567])$/);
        continue;
      }
      const told = result === undefined ? fault?.reason : `0x${result.address.toString(16)}`;
      if (told !== answer) expect([sourceId, iova, kind, told]).toEqual([sourceId, iova, kind, answer]);
    }
  });
});
