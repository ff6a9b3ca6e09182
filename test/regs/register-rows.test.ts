import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Capabilities } from '../../src/regs/capabilities.js';
import { RegisterFile } from '../../src/regs/register-file.js';
import { countOf, exists, placeOf, type RegisterRow } from '../../src/regs/register-row.js';
import { REGISTERS } from '../../src/regs/register-rows.js';
import { anyCapabilities, COMPLETE, unchecked } from './unchecked.js';

/** Every register that a unit has: where, how long, which. */
function places(capabilities: Capabilities): { offset: number; row: RegisterRow }[] {
  return REGISTERS.filter((row) => exists(row, capabilities)).flatMap((row) =>
    Array.from({ length: countOf(row, capabilities) }, (_, index) => ({
      offset: placeOf(row, capabilities, index),
      row,
    })),
  );
}

/** Name and size of each register that begins at an offset, as the specification's map (§11.4) has them. */
const MAP: Readonly<Record<number, string>> = {
  0: 'VER 32',
  8: 'CAP 64',
  16: 'ECAP 64',
  24: 'GCMD 32',
  28: 'GSTS 32',
  32: 'RTADDR 64',
  40: 'CCMD 64',
  52: 'FSTS 32',
  56: 'FECTL 32',
  60: 'FEDATA 32',
  64: 'FEADDR 32',
  68: 'FEUADDR 32',
  88: 'AFLOG 64',
  100: 'PMEN 32',
  104: 'PLMBASE 32',
  108: 'PLMLIMIT 32',
  112: 'PHMBASE 64',
  120: 'PHMLIMIT 64',
  128: 'IQH 64',
  136: 'IQT 64',
  144: 'IQA 64',
  156: 'ICS 32',
  160: 'IECTL 32',
  164: 'IEDATA 32',
  168: 'IEADDR 32',
  172: 'IEUADDR 32',
  176: 'IQERCD 64',
  184: 'IRTA 64',
  192: 'PQH 64',
  200: 'PQT 64',
  208: 'PQA 64',
  220: 'PRS 32',
  224: 'PECTL 32',
  228: 'PEDATA 32',
  232: 'PEADDR 32',
  236: 'PEUADDR 32',
  256: 'MTRRCAP 64',
  264: 'MTRRDEF 64',
  288: 'MTRR_FIX64K_00000 64',
  296: 'MTRR_FIX16K_80000 64',
  304: 'MTRR_FIX16K_A0000 64',
  312: 'MTRR_FIX4K_C0000 64',
  320: 'MTRR_FIX4K_C8000 64',
  328: 'MTRR_FIX4K_D0000 64',
  336: 'MTRR_FIX4K_D8000 64',
  344: 'MTRR_FIX4K_E0000 64',
  352: 'MTRR_FIX4K_E8000 64',
  360: 'MTRR_FIX4K_F0000 64',
  368: 'MTRR_FIX4K_F8000 64',
  384: 'MTRR_PHYSBASE 64',
  392: 'MTRR_PHYSMASK 64',
  528: 'MTRR_PHYSBASE 64',
  536: 'MTRR_PHYSMASK 64',
  768: 'PERFCAP 64',
  784: 'PERFCFGOFF 32',
  788: 'PERFFRZOFF 32',
  792: 'PERFOVFOFF 32',
  796: 'PERFCNTROFF 32',
  804: 'PERFINTRSTS 32',
  808: 'PERFINTRCTL 32',
  812: 'PERFINTRDATA 32',
  816: 'PERFINTRADDR 32',
  820: 'PERFINTRUADDR 32',
  896: 'PERFEVNTCAP 64',
  928: 'PERFEVNTCAP 64',
  1024: 'ECMD 64',
  1032: 'ECEO 64',
  1040: 'ECRSP 64',
  1056: 'ECSTS0 64',
  1064: 'ECSTS1 64',
  1072: 'ECCAP 64',
  1096: 'ECCAP 64',
  // ECAP.IRO=0x50, CAP.FRO=0x100 with 256 records
  1280: 'IVA 64',
  1288: 'IOTLB_REG 64',
  3520: 'RDTC 64',
  3584: 'VCMD 64',
  3592: 'VCMD_EO 64',
  3600: 'VCRSP 64',
  3632: 'VCCAP 64',
  4096: 'FRCD 128',
  4112: 'FRCD 128',
  8176: 'FRCD 128',
};

/** Places that the map reserves (§11.4). */
const RESERVED: readonly (readonly [first: number, end: number])[] = [
  [0x004, 0x008],
  [0x030, 0x034],
  [0x048, 0x058],
  [0x060, 0x064],
  [0x098, 0x09c],
  [0x0d8, 0x0dc],
  [0x308, 0x310],
  [0x320, 0x324],
  [0x338, 0x380],
  [0x418, 0x420],
  [0x450, 0x460],
  [0xdc8, 0xe00],
  [0xe18, 0xe30],
  [0xe38, 0xe50],
];

describe('register rows (§11.4)', () => {
  test('stand at the places of the map', () => {
    const all = places(COMPLETE);
    const at = new Map(all.map(({ offset, row }) => [offset, `${row.name} ${8 * row.bytes}`]));
    for (const [offset, register] of Object.entries(MAP)) expect(at.get(Number(offset)), offset).toBe(register);
    const named = new Set(Object.values(MAP).map((register) => register.split(' ')[0]));
    const placedByRegisters = REGISTERS.filter(({ name }) => !named.has(name)).map(({ name }) => name);
    expect(placedByRegisters).toEqual([
      'PERFCNTRCFG',
      'PERFRIDFLTR',
      'PERFDIDFLTR',
      'PERFPASIDFLTR',
      'PERFATFLTR',
      'PERFPTLFLTR',
      'PERFFRZSTS',
      'PERFOVFSTS',
      'PERFCNTR',
    ]);
  });

  test('leave reserved places alone', () => {
    for (const { offset, row } of places(COMPLETE)) {
      for (const [first, end] of RESERVED) {
        expect(offset >= end || offset + row.bytes <= first, `${row.name} at 0x${offset.toString(16)}`).toBe(true);
      }
    }
  });

  test('of one register share no bit, and lie in it', () => {
    for (const { name, bytes, fields } of REGISTERS) {
      const taken = new Set<number>();
      for (const { name: field, bits } of fields) {
        expect(bits[0] >= bits[1] && bits[1] >= 0 && bits[0] < 8 * bytes, `${name}.${field}`).toBe(true);
        for (let bit = bits[1]; bit <= bits[0]; bit++) {
          expect(taken.has(bit), `bit ${bit} of ${name}`).toBe(false);
          taken.add(bit);
        }
      }
    }
  });

  test('have names of their own', () => {
    const names = REGISTERS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, fields } of REGISTERS) {
      expect(new Set(fields.map((field) => field.name)).size, name).toBe(fields.length);
    }
  });

  function expectApart(capabilities: Capabilities): void {
    const owner = new Map<number, string>();
    for (const { offset, row } of places(capabilities)) {
      expect(offset % Math.min(row.bytes, 16), row.name).toBe(0);
      for (let byte = offset; byte < offset + row.bytes; byte++) {
        if (owner.has(byte)) throw new Error(`${row.name} and ${owner.get(byte)} share byte 0x${byte.toString(16)}`);
        owner.set(byte, row.name);
      }
    }
  }

  test('never put two registers in one place, whatever capabilities are accepted', () => {
    expectApart(COMPLETE);
    fc.assert(fc.property(anyCapabilities, expectApart));
  });

  test.each([
    ['ECAP.QI', 'IQH IQT IQA ICS IECTL IEDATA IEADDR IEUADDR IQERCD'],
    ['ECAP.IR', 'IRTA'],
    ['CAP.PLMR', 'PMEN PLMBASE PLMLIMIT'],
    ['CAP.PHMR', 'PMEN PHMBASE PHMLIMIT'],
    ['CAP.AFL', 'AFLOG'],
    ['ECAP.PRS', 'PQH PQT PQA PRS PECTL PEDATA PEADDR PEUADDR'],
    ['ECAP.RDTS', 'RDTC'],
    ['ECAP.VCS', 'VCMD VCMD_EO VCRSP VCCAP'],
    ['CAP.ECMDS', 'ECMD ECEO ECRSP ECSTS0 ECSTS1 ECCAP'],
  ] as const)('exist with %s only: %s', (name, registers) => {
    const bare = places(unchecked({ 'CAP.FRO': 0x22, 'ECAP.IRO': 0xf })).map(({ row }) => row.name);
    const given = places(unchecked({ 'CAP.FRO': 0x22, 'ECAP.IRO': 0xf, [name]: 1 })).map(({ row }) => row.name);
    expect([...new Set(given.filter((each) => !bare.includes(each)))].join(' ')).toBe(registers);
  });

  test.each<[field: string, register: string, needs: Parameters<Capabilities['has']>[0], mask: bigint]>([
    ['IQE', 'FSTS', 'ECAP.QI', 1n << 4n],
    ['ICE and ITE', 'FSTS', 'ECAP.DT', 3n << 5n],
    ['SSIRWE', 'RTADDR', 'ECAP.SSIRWS', 1n << 7n],
    ['EIME', 'IRTA', 'ECAP.EIM', 1n << 11n],
    ['MUA', 'FEUADDR', 'ECAP.EIM', 0xffff_ffffn],
    ['MUA', 'IEUADDR', 'ECAP.EIM', 0xffff_ffffn],
    ['WBF', 'GCMD', 'CAP.RWBF', 1n << 27n],
    ['IRE, SIRTP, CFI', 'GCMD', 'ECAP.IR', 7n << 23n],
    ['QIE', 'GCMD', 'ECAP.QI', 1n << 26n],
    ['AT', 'FRCD', 'ECAP.DT', 3n << 124n],
    ['PV, PP, EXE, PRIV', 'FRCD', 'ECAP.PASID', (0xf_ffffn << 104n) | (7n << 93n)],
  ])('%s of %s need %s', (_field, name, needs, mask) => {
    const { fields } = REGISTERS.find((row) => row.name === name) as RegisterRow;
    const gated = fields.filter((field) => field.needs === needs);
    const bits = gated.reduce(
      (all, { bits: [high, low] }) => all | (((1n << BigInt(high - low + 1)) - 1n) << BigInt(low)),
      0n,
    );
    expect(bits).toBe(mask);
  });

  test('reset to 0, but for capabilities, what monitoring and MTRRs have, and the four interrupt masks (§11.3)', () => {
    const registers = new RegisterFile(COMPLETE);
    const set = registers.dump().filter(({ value }) => value !== 0n);
    expect([...new Set(set.map(({ name }) => name.replace(/\[\d+\]/, '')))]).toEqual([
      'VER',
      'CAP',
      'ECAP',
      'FECTL',
      'IECTL',
      'PECTL',
      'MTRRCAP',
      'PERFCAP',
      'PERFCFGOFF',
      'PERFFRZOFF',
      'PERFOVFOFF',
      'PERFCNTROFF',
      'PERFINTRCTL',
      'PERFEVNTCAP',
      'ECCAP',
      'VCCAP',
    ]);
    for (const name of ['FECTL', 'IECTL', 'PECTL', 'PERFINTRCTL']) {
      expect(registers.read32(registers.offsetOf(name)), name).toBe(0x8000_0000);
    }
    expect(registers.read64(registers.offsetOf('ECCAP', 3))).toBe(0x3fn << 48n);
  });
});
