import { describe, expect, test } from 'vitest';
import { makeCapabilities } from '../../src/regs/capabilities.js';
import { CAPABILITY_ROWS } from '../../src/regs/capability-rows.js';
import { NOT_MODELLED } from '../../src/regs/modelled.js';
import { type PresetName, presets, qemuCapabilities } from '../../src/regs/presets.js';
import { RegisterFile } from '../../src/regs/register-file.js';
import { fieldOf } from '../../src/rows.js';
import { hasGolden, transcripts } from './golden.js';

describe('presets', () => {
  test.each(Object.keys(presets) as PresetName[])('%s can be chosen as it is, and says what it is', (name) => {
    const preset = presets[name];
    const capabilities = makeCapabilities(preset);
    expect([capabilities.cap, capabilities.ecap, capabilities.version]).toEqual([
      preset.cap,
      preset.ecap,
      preset.version,
    ]);
    expect(preset.about).not.toBe('');
    expect(preset.source).not.toBe('');
  });

  test('hold the values that QEMU and boot logs show', () => {
    const shown = {
      'qemu-11.1': [0x10, 0x80d2008c222f0606n, 0xf00f4an, 48],
      'qemu-7.2': [0x10, 0xd2008c222f0606n, 0xf00f4an, 48],
      haswell: [0x10, 0xd2008020660462n, 0xf010dan, 39],
      skylake: [0x10, 0xd2008c40660462n, 0xf050dan, 39],
      'broadwell-ep': [0x10, 0x8d2078c106f0466n, 0xf020dfn, 46],
      'sapphire-rapids': [0x60, 0x19ed008c40780c66n, 0x3ee9e86f050dfn, 52],
      'granite-rapids': [0x70, 0xf9ed008cee780c66n, 0x3fef9ea6f0efdfn, 52],
      'meteor-lake': [0x70, 0xc9de008cee690462n, 0x12ca9a00f0efden, 42],
    } as const;
    expect([...Object.keys(shown), 'everything']).toEqual(Object.keys(presets));
    for (const [name, [version, cap, ecap, haw]] of Object.entries(shown)) {
      const preset = presets[name as PresetName];
      expect([preset.version, preset.haw], name).toEqual([version, haw]);
      // nothing but what is not modelled is left out
      const left = { cap: cap & ~preset.cap, ecap: ecap & ~preset.ecap };
      expect([preset.cap | left.cap, preset.ecap | left.ecap], name).toEqual([cap, ecap]);
      for (const { name: field, bits, needs = [] } of CAPABILITY_ROWS) {
        const word = field.startsWith('CAP.') ? left.cap : field.startsWith('ECAP.') ? left.ecap : 0n;
        if (fieldOf([word], bits) === 0n) continue;
        expect(
          [field, ...needs].some((each) => NOT_MODELLED.includes(each)),
          `${name}: ${field}`,
        ).toBe(true);
      }
    }
  });

  test('everything has each capability that is modelled, but caching mode, which hardware does not have, write buffers, which scalable mode excludes (§11.4.2), and requirements', () => {
    const capabilities = makeCapabilities(presets.everything);
    const lacking = CAPABILITY_ROWS.map(({ name }) => name).filter((name) => !capabilities.has(name));
    // what a unit requires is no ability: EIMER and IRREQ block interrupts that a driver does not remap
    const absent = ['VER.MINOR', 'CAP.CM', 'CAP.RWBF', 'ECAP.ERS', 'ECAP.EIMER', 'ECAP.IRREQ', ...NOT_MODELLED];
    expect(lacking.sort()).toEqual(absent.sort());
    expect(capabilities.get('CAP.NFR')).toBe(255);
    expect(capabilities.get('CAP.SAGAW')).toBe(0b1110);
    expect(capabilities.get('CAP.MGAW')).toBe(56);
    expect(capabilities.haw).toBe(52);
  });
});

describe("QEMU's options", () => {
  const show = ({ cap, ecap }: { cap: bigint; ecap: bigint }) => `${cap.toString(16)} ${ecap.toString(16)}`;
  const of = (version: '7.2' | '11.1', options: Record<string, unknown>) => show(qemuCapabilities(version, options));

  test.each<['7.2' | '11.1', Record<string, unknown>, string]>([
    ['11.1', {}, '80d2008c222f0606 f00f4a'],
    ['7.2', {}, 'd2008c22260206 f00f4a'],
    ['11.1', { 'aw-bits': 39 }, '80d2008c22260206 f00f4a'],
    ['11.1', { 'aw-bits': '39' }, '80d2008c22260206 f00f4a'],
    ['11.1', { 'caching-mode': 'on' }, '80d2008c222f0686 f00f4a'],
    ['11.1', { 'device-iotlb': true }, '80d2008c222f0606 f00f4e'],
    ['11.1', { 'snoop-control': true }, '80d2008c222f0606 f00fca'],
    ['11.1', { 'dma-translation': 'off' }, '80d2008c222f0006 f00f4a'],
    ['7.2', { 'dma-translation': 'off' }, 'd2008c22260006 f00f4a'],
    ['7.2', { 'dma-drain': false }, '12008c22260206 f00f4a'],
    ['11.1', { intremap: 'off' }, '80d2008c222f0606 f42'],
    ['11.1', { intremap: 'auto', eim: 'auto' }, '80d2008c222f0606 f00f4a'],
    ['11.1', { intremap: 'on', eim: 'on', 'caching-mode': 'on', 'aw-bits': 48 }, '80d2008c222f0686 f00f5a'],
    ['7.2', { pt: 'off', intremap: 'on', 'aw-bits': 39 }, 'd2008c22260206 f00f0a'],
    ['11.1', { 'scalable-mode': true }, '80d2008c222f0606 480080f00f4a'],
    ['11.1', { 'x-scalable-mode': 'on', 'x-flts': 'on' }, '81d2008c222f0606 880000f00f4a'],
    ['11.1', { 'scalable-mode': true, fsts: true, fs1gp: false }, '80d2008c222f0606 880000f00f4a'],
    ['11.1', { 'scalable-mode': true, 'pasid-bits': 20 }, '80d2008c222f0606 499880f00f4a'],
    [
      '11.1',
      { 'scalable-mode': true, fsts: true, 'pasid-bits': 20, 'device-iotlb': true, svm: true },
      '81d2008c222f0606 8d9a20f00f4e',
    ],
    ['7.2', { 'aw-bits': 48, 'x-scalable-mode': true, 'x-pasid-mode': true }, 'd2008c222f0606 490080f00f4a'],
    ['7.2', { fsts: false, svm: 'off' }, 'd2008c22260206 f00f4a'],
  ])('QEMU %s with %j has %s', (version, options, registers) => {
    expect(of(version, options)).toBe(registers);
  });

  test('the host address width is aw-bits', () => {
    expect(qemuCapabilities('11.1').haw).toBe(48);
    expect(qemuCapabilities('7.2').haw).toBe(39);
    expect(qemuCapabilities('7.2', { 'aw-bits': 48 }).haw).toBe(48);
  });

  test.each<['7.2' | '11.1', Record<string, unknown>]>([
    ['11.1', { 'scalable-mode': true }],
    ['11.1', { 'scalable-mode': true, 'aw-bits': 39, 'pasid-bits': 20 }],
    ['11.1', { 'scalable-mode': true, fsts: true, fs1gp: false, 'device-iotlb': true }],
    ['11.1', { 'scalable-mode': true, fsts: true, 'pasid-bits': 20, 'device-iotlb': true, svm: true }],
    ['7.2', { 'aw-bits': 48, 'x-scalable-mode': true, 'x-pasid-mode': true }],
  ])('QEMU %s with %j is modelled', (version, options) => {
    const { cap, ecap } = qemuCapabilities(version, options);
    expect(makeCapabilities(qemuCapabilities(version, options))).toMatchObject({ cap, ecap });
  });

  test.each<['7.2' | '11.1', Record<string, unknown>, RegExp]>([
    ['11.1', { 'cachin-mode': true }, /cachin-mode is not an option .* caching-mode/],
    ['11.1', { 'aw-bits': 57 }, /aw-bits is 57: QEMU allows 39 or 48/],
    ['11.1', { 'aw-bits': true }, /aw-bits is true/],
    ['11.1', { 'pasid-bits': 21, 'scalable-mode': true }, /pasid-bits is 21: QEMU allows 0 to 20/],
    ['11.1', { 'caching-mode': 1 }, /caching-mode is 1: give true, false, 'on' or 'off'/],
    ['11.1', { 'caching-mode': 'auto' }, /caching-mode is auto/],
    ['11.1', { pt: false }, /QEMU 11.1 has no option pt: QEMU 7.2 has/],
    ['7.2', { fsts: true }, /QEMU 7.2 has no option fsts/],
    ['7.2', { fs1gp: false }, /QEMU 7.2 has no option fs1gp/],
    ['7.2', { 'pasid-bits': 8 }, /QEMU 7.2 has no option pasid-bits/],
    ['11.1', { 'stale-tm': true }, /stale-tm=on is not modelled/],
    ['11.1', { eim: true, intremap: false }, /eim=on needs intremap=on, but intremap=off/],
    ['7.2', { 'scalable-mode': true, 'dma-drain': false }, /scalable-mode=on needs dma-drain=on, but dma-drain=off/],
    ['11.1', { 'scalable-mode': true, fsts: true, 'aw-bits': 39 }, /fsts=on needs aw-bits=48, but aw-bits=39/],
    ['11.1', { fsts: true }, /fsts=on needs scalable-mode=on/],
    ['11.1', { 'pasid-bits': 8 }, /pasid-bits=8 needs scalable-mode=on/],
    ['7.2', { 'x-pasid-mode': true }, /pasid-mode=on needs scalable-mode=on/],
    ['11.1', { 'scalable-mode': true, fsts: true, 'device-iotlb': true, svm: true }, /svm=on needs pasid-bits of 1/],
    ['11.1', { 'scalable-mode': true, fsts: true, 'pasid-bits': 1, svm: true }, /svm=on needs device-iotlb=on/],
  ])('QEMU %s refuses %j', (version, options, message) => {
    expect(() => qemuCapabilities(version, options)).toThrow(RangeError);
    expect(() => qemuCapabilities(version, options)).toThrow(message);
  });

  describe.skipIf(!hasGolden)('against transcripts', () => {
    test('there are transcripts of every kind', () => {
      const all = transcripts('reset-');
      expect(all.filter(({ error }) => error === undefined).length).toBeGreaterThan(12);
    });

    test.each(transcripts('reset-'))(
      'QEMU $qemu, $name: the registers after a reset',
      ({ qemu, options, error, results }) => {
        if (error !== undefined) {
          expect(() => qemuCapabilities(qemu, options)).toThrow(/has no option/);
          return;
        }
        const regs = results?.[0]?.regs as Record<string, string>;
        const word = (offset: number) => BigInt(regs[`0x${offset.toString(16)}`] ?? 0);
        const chosen = qemuCapabilities(qemu, options);
        expect(chosen.cap).toBe((word(0x0c) << 32n) | word(0x08));
        expect(chosen.ecap).toBe((word(0x14) << 32n) | word(0x10));
        if (options.svm === true) return;
        const registers = new RegisterFile(makeCapabilities(chosen));
        for (let offset = 0; offset < 0x400; offset += 4) {
          expect(registers.read32(offset), `0x${offset.toString(16)}`).toBe(Number(word(offset)));
        }
      },
    );
  });
});
