import { describe, expect, test } from 'vitest';
import { GuestMemory, IntelIommu } from '../../src/index.js';
import { LEGACY_UNIT } from '../support/legacy-unit.js';
import { DEVICES, DOMAIN, startedScalableUnit, startedUnit, TE } from './unit.js';

const GSTS = 0x1c;

describe('global commands (§11.4.4)', () => {
  test('RTADDR takes effect by SRTP only', () => {
    const { unit, memory } = startedUnit({ caches: 'none' });
    const empty = 0x38_0000;
    memory.write(empty, new Uint8Array(4096));
    unit.write64(0x20, BigInt(empty));
    expect(unit.region(DEVICES[0]).translateAddress(0x1000)).toBe(0x20_0000);
    unit.write32(0x18, (TE | 0x4000_0000) >>> 0);
    expect(unit.region(DEVICES[0]).translate(0x1000)).toMatchObject({ ok: false, fault: { condition: 'LRT.2' } });
  });

  test('a write of one byte leaves the level bits of the others alone', () => {
    const { unit } = startedUnit();
    unit.registers.write8(0x18 + 2, 0x80);
    expect(unit.read32(GSTS)).toBe(0xc080_0000);
    unit.registers.write8(0x18 + 3, 0);
    expect(unit.read32(GSTS)).toBe(0x4080_0000);
  });

  test('a command whose capability is absent does nothing', () => {
    const { unit } = startedUnit({
      capabilities: { 'ECAP.IR': 0, 'ECAP.EIM': 0, 'ECAP.MHMV': 0, 'CAP.ESIRTPS': 0, 'CAP.PI': 0 },
    });
    unit.write32(0x18, (TE | 0x0380_0000) >>> 0);
    expect(unit.read32(GSTS)).toBe(0xc000_0000);
  });

  test.each([
    ['a unit that has scalable mode drops all caches when TE goes off', {}, 0x21_0000],
    ['a unit that has not may keep them', LEGACY_UNIT, 0x20_0000],
  ])('%s (§11.4.4.1)', (_, capabilities, address) => {
    const { unit, tables, top } = startedUnit({ capabilities, caches: 'hold' });
    expect(unit.region(DEVICES[0]).translateAddress(0x1000)).toBe(0x20_0000);
    tables.map(top, 3, 0x1000, 0x21_0000);
    unit.write32(0x18, 0);
    unit.write32(0x18, TE);
    expect(unit.region(DEVICES[0]).translateAddress(0x1000)).toBe(address);
  });

  test('abort-DMA mode refuses every request with RTA.4 (§7.1.3)', () => {
    const { unit, tables } = startedUnit();
    unit.write64(0x20, (BigInt(tables.root) << 12n) | (3n << 10n));
    unit.write32(0x18, (TE | 0x4000_0000) >>> 0);
    expect(unit.region(DEVICES[0]).translate(0x1000)).toMatchObject({ fault: { condition: 'RTA.4', reason: 0x33 } });
  });
});

describe('register invalidation (§11.4.6)', () => {
  test('the byte with the command bit starts the request, and the answer tells what was done', () => {
    const { unit, tables, top } = startedUnit();
    const region = unit.region(DEVICES[0]);
    region.translateAddress(0x1000);
    tables.map(top, 3, 0x1000, 0x21_0000);
    const iotlb = unit.registers.offsetOf('IOTLB_REG');
    unit.write32(iotlb + 4, DOMAIN);
    expect(region.translateAddress(0x1000)).toBe(0x20_0000);
    unit.registers.write8(iotlb + 7, 0xa0);
    expect(region.translateAddress(0x1000)).toBe(0x21_0000);
    expect((unit.read64(iotlb) >> 57n) & 3n).toBe(2n);
  });

  test('does nothing, and says so, while the queue is on', () => {
    const { unit } = startedUnit();
    unit.write32(0x18, (TE | 0x0400_0000) >>> 0);
    unit.write64(0x28, (1n << 63n) | (1n << 61n));
    expect(unit.read64(0x28)).toBe(1n << 61n);
  });

  test('is gone from major version 6 on', () => {
    const { unit } = startedUnit({ capabilities: { 'VER.MAJOR': 6 } });
    unit.write64(0x28, (1n << 63n) | (1n << 61n));
    expect((unit.read64(0x28) >> 59n) & 3n).toBe(0n);
  });

  test.each([
    ['default', 0x21_0000, 'drops what it names all the same'],
    ['hold', 0x20_0000, 'does nothing'],
  ] as const)('of scalable mode is refused with granularity 0; under policy %s it %3$s', (caches, address, _) => {
    const { unit, tables, top } = startedScalableUnit({ caches });
    const region = unit.region(DEVICES[0]);
    expect(region.translateAddress(0x1000)).toBe(0x20_0000);
    tables.map(top, 3, 0x1000, 0x21_0000);
    const iotlb = unit.registers.offsetOf('IOTLB_REG');
    unit.write64(iotlb, (1n << 63n) | (2n << 60n) | (BigInt(DOMAIN + 1) << 32n));
    expect(region.translateAddress(0x1000)).toBe(0x20_0000);
    unit.write64(iotlb, (1n << 63n) | (2n << 60n) | (BigInt(DOMAIN) << 32n));
    expect(unit.read64(iotlb)).toBe((2n << 60n) | (BigInt(DOMAIN) << 32n));
    expect(region.translateAddress(0x1000)).toBe(address);
  });

  test.each([
    ['default', 'SPT.2'],
    ['hold', undefined],
  ] as const)('a context command of scalable mode goes for PASID entries too under policy %s', (caches, condition) => {
    const { unit, tables, entries } = startedScalableUnit({ caches });
    unit.region(DEVICES[0]).translateAddress(0x1000);
    tables.setWord(entries, 0n);
    const request = () => unit.region(DEVICES[0]).translate(0x2_0000);
    expect(request()).toMatchObject({ fault: { condition: 'SSS.2' } });
    unit.write64(0x28, (1n << 63n) | (1n << 61n));
    expect(unit.read64(0x28)).toBe(1n << 61n);
    expect(request()).toMatchObject({ fault: { condition: condition ?? 'SSS.2' } });
  });

  test('page-selective without CAP.PSI is done for the domain, and reported so', () => {
    const { unit } = startedUnit({ capabilities: { 'CAP.PSI': 0 } });
    const iotlb = unit.registers.offsetOf('IOTLB_REG');
    unit.write64(iotlb, (1n << 63n) | (3n << 60n) | (BigInt(DOMAIN) << 32n));
    expect((unit.read64(iotlb) >> 57n) & 3n).toBe(2n);
  });
});

describe('protected memory regions (§11.4.8)', () => {
  const enable = (unit: IntelIommu, base: number, limit: number) => {
    unit.write32(0x68, base);
    unit.write32(0x6c, limit);
    unit.write32(0x64, 0x8000_0000);
  };

  test('block what is translated to there, also what is cached, without a record', () => {
    const { unit } = startedUnit();
    const region = unit.region(DEVICES[0]);
    expect(region.translateAddress(0x1000)).toBe(0x20_0000);
    enable(unit, 0x20_0000, 0x20_0000);
    expect(unit.read32(0x64)).toBe(0x8000_0001);
    expect(region.translate(0x1000)).toMatchObject({ ok: false, fault: { condition: 'protected', reason: undefined } });
    expect(unit.read32(0x34)).toBe(0);
    unit.write32(0x64, 0);
    expect(unit.read32(0x64)).toBe(0);
    expect(region.translateAddress(0x1000)).toBe(0x20_0000);
  });

  test('block DMA while remapping is off, read and write', () => {
    const memory = GuestMemory.ram(8 * 1024 * 1024);
    const unit = new IntelIommu({ memory, preset: 'skylake' });
    enable(unit, 0x40_0000, 0x5f_ffff);
    const region = unit.region(DEVICES[0]);
    expect(region.write(0x3f_fffc, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))).toBe(4);
    expect(memory.read32(0x40_0000)).toBe(0);
    expect(region.read(0x60_0000, new Uint8Array(8))).toBe(8);
  });

  test('a limit below the base protects nothing', () => {
    const { unit } = startedUnit();
    enable(unit, 0x40_0000, 0x20_0000);
    expect(unit.region(DEVICES[0]).translateAddress(0x1000)).toBe(0x20_0000);
  });
});

describe("an embedder's mistake throws an error that says what to do", () => {
  const { unit } = startedUnit({ capabilities: { 'CAP.CM': 0 } });
  const region = unit.region(DEVICES[0]);
  test.each<[string, () => unknown, RegExp]>([
    ['no memory', () => new IntelIommu({} as never), /options\.memory is missing: give a GuestMemory/],
    ['an unknown preset', () => new IntelIommu({ memory: unit.memory, preset: 'i440' as never }), /choose one of/],
    ['a source-id out of range', () => unit.region(0x1_0000), /from 0 to 0xffff/],
    ['an address that is not exact', () => region.translateAddress(2 ** 53), /give a bigint/],
    ['a negative address', () => region.translateAddress(-4096), /from 0 to 2\^53 - 1/],
    ['a fraction', () => region.translateAddress(4096.5), /whole number/],
    ['a bigint beyond 64 bits', () => region.translate(2n ** 64n), /from 0 to 2\^64 - 1/],
    ['an access that is none', () => region.translate(0x1000n, 'execute' as never), /must be one of read,write/],
    ['an unaligned dword', () => region.read32(0x1002), /align it to 4 bytes/],
    ['maps asked for without caching mode', () => region.addNotifier(), /'CAP\.CM': 1/],
    ['a window of broken pages', () => region.replay(() => true, { first: 1 }), /multiple of 4096/],
    ['overlapping memory', () => unit.memory.attach(4096, new Uint8Array(4096)), /overlaps the one at 0x0/],
    [
      'a capability that is not modelled',
      () => startedUnit({ capabilities: { 'ECAP.TDXCS': 1 } }),
      /ECAP\.TDXCS.* not modelled yet/,
    ],
    [
      'contradicting capabilities',
      () => startedUnit({ capabilities: { 'ECAP.QI': 0 } }),
      /ECAP\.DT.*ECAP\.QI|ECAP\.IR.*ECAP\.QI/,
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});
