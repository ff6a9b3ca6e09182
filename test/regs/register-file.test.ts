import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Capabilities, makeCapabilities } from '../../src/regs/capabilities.js';
import { presets } from '../../src/regs/presets.js';
import { RegisterFile } from '../../src/regs/register-file.js';
import {
  type Access,
  countOf,
  exists,
  placeOf,
  type RegisterField,
  type RegisterRow,
} from '../../src/regs/register-row.js';
import { REGISTERS } from '../../src/regs/register-rows.js';
import { anyCapabilities, COMPLETE } from './unchecked.js';

const ALL = 0xffff_ffff_ffff_ffffn;

function everything(): RegisterFile {
  return new RegisterFile(makeCapabilities(presets.everything));
}

function fieldMask({ bits: [high, low] }: RegisterField): bigint {
  return ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
}

/** Stores something different in each dword. */
function fill(registers: RegisterFile, noise: number): void {
  for (let offset = 0; offset < registers.size; offset += 4)
    registers.set(offset, Math.imul(noise ^ offset, 0x9e37_79b1));
}

type Masks = Readonly<Record<'readable' | 'writable' | 'clearable', Uint8Array>>;

const KINDS: Readonly<Record<Access, readonly (keyof Masks)[]>> = {
  RO: ['readable'],
  ROS: ['readable'],
  RW: ['readable', 'writable'],
  RWL: ['readable', 'writable'],
  RWLV: ['readable', 'writable'],
  WO: ['writable'],
  RW1C: ['readable', 'clearable'],
  RW1CS: ['readable', 'clearable'],
};

/** What an access may do to each bit, byte by byte, from the rows. */
function masksOf(capabilities: Capabilities, size: number): Masks {
  const masks = { readable: new Uint8Array(size), writable: new Uint8Array(size), clearable: new Uint8Array(size) };
  for (const row of REGISTERS) {
    // commands are not kept (§11.4.4.1)
    if (!exists(row, capabilities) || row.name === 'GCMD') continue;
    for (const field of row.fields) {
      if (field.needs !== undefined && !capabilities.has(field.needs)) continue;
      const bytes = Array.from({ length: row.bytes }, (_, byte) =>
        Number((fieldMask(field) >> BigInt(8 * byte)) & 0xffn),
      );
      for (let index = 0; index < countOf(row, capabilities); index++) {
        const at = placeOf(row, capabilities, index);
        for (const kind of KINDS[field.access]) {
          bytes.forEach((bits, byte) => {
            masks[kind][at + byte] = (masks[kind][at + byte] as number) | bits;
          });
        }
      }
    }
  }
  return masks;
}

function stored(registers: RegisterFile): Uint8Array {
  return Uint8Array.from({ length: registers.size }, (_, at) => registers.get(at & ~3) >>> (8 * (at & 3)));
}

/** Where two blocks begin to differ, -1 for nowhere. */
function difference(one: Uint8Array, other: Uint8Array): number {
  return one.findIndex((byte, at) => byte !== other[at]);
}

/** A literal model of a register file, byte by byte. */
class Bytes {
  readonly masks: Masks;
  readonly value: Uint8Array;

  constructor(masks: Masks, value: Uint8Array) {
    this.masks = masks;
    this.value = value;
  }

  read(offset: number, bytes: number): bigint {
    let value = 0n;
    for (let at = offset + bytes - 1; at >= offset; at--) {
      value = (value << 8n) | BigInt((this.value[at] ?? 0) & (this.masks.readable[at] ?? 0));
    }
    return value;
  }

  write(offset: number, bytes: number, value: bigint): void {
    for (let byte = 0; byte < bytes; byte++) {
      const at = offset + byte;
      if (at >= this.value.length) continue;
      const written = Number((value >> BigInt(8 * byte)) & 0xffn);
      const writable = this.masks.writable[at] as number;
      const kept = (this.value[at] as number) & ~writable & ~(written & (this.masks.clearable[at] as number));
      this.value[at] = kept | (written & writable);
    }
  }
}

describe('what software reads back after writing all ones (§11.4)', () => {
  test.each<[name: string, value: bigint]>([
    ['VER', 0x50n],
    ['CAP', presets.everything.cap],
    ['ECAP', presets.everything.ecap],
    ['GCMD', 0n],
    ['GSTS', 0n],
    ['RTADDR', 0xffff_ffff_ffff_fc80n],
    ['CCMD', 0xe000_0000_0000_ffffn],
    ['FSTS', 0n],
    ['FECTL', 0x8000_0000n],
    ['FEDATA', 0xffffn],
    ['FEADDR', 0xffff_fffcn],
    ['FEUADDR', 0xffff_ffffn],
    ['PMEN', 0x8000_0000n],
    ['PLMBASE', 0xffe0_0000n],
    ['PLMLIMIT', 0xffe0_0000n],
    ['PHMBASE', 0xffff_ffff_ffe0_0000n],
    ['PHMLIMIT', 0xffff_ffff_ffe0_0000n],
    ['IQH', 0n],
    ['IQT', 0x7_fff0n],
    ['IQA', 0xffff_ffff_ffff_f807n],
    ['ICS', 0n],
    ['IECTL', 0x8000_0000n],
    ['IEDATA', 0xffffn],
    ['IEADDR', 0xffff_fffcn],
    ['IEUADDR', 0xffff_ffffn],
    ['IQERCD', 0n],
    ['IRTA', 0xffff_ffff_ffff_f80fn],
    ['IVA', 0n],
    ['IOTLB_REG', 0xb003_ffff_0000_0000n],
    ['FRCD', 0n],
  ])('%s: %s', (name, value) => {
    const registers = everything();
    const offset = registers.offsetOf(name);
    const bytes = REGISTERS.find((row) => row.name === name)?.bytes;
    if (bytes === 4) registers.write32(offset, 0xffff_ffff);
    else registers.write64(offset, ALL);
    expect(bytes === 4 ? BigInt(registers.read32(offset)) : registers.read64(offset)).toBe(value);
    registers.write32(offset, 0);
    if (bytes !== 4) registers.write64(offset, 0);
    const kept = ['VER', 'CAP', 'ECAP'].includes(name) ? value : 0n;
    expect(bytes === 4 ? BigInt(registers.read32(offset)) : registers.read64(offset)).toBe(kept);
  });

  test('the bits of the rows that may be written and read, whatever the capabilities', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constant(COMPLETE), anyCapabilities), (capabilities) => {
        const registers = new RegisterFile(capabilities);
        const { readable, writable, clearable } = masksOf(capabilities, registers.size);
        const expected = stored(registers).map((value, at) => {
          const kept = value & ~(clearable[at] as number);
          return (kept | (writable[at] as number)) & (readable[at] as number);
        });
        for (let offset = 0; offset < registers.size; offset += 8) registers.write64(offset, ALL);
        const read = expected.map((_, at) => registers.read8(at));
        expect(difference(read, expected)).toBe(-1);
      }),
      { numRuns: 20 },
    );
  });
});

describe('access by bytes, words, dwords and qwords, aligned or not (§11.2)', () => {
  const access = fc.record({
    offset: fc.oneof(fc.integer({ min: 0, max: 0x130 }), fc.integer({ min: 0, max: 0x2010 })),
    size: fc.constantFrom(8, 16, 32, 64),
    value: fc.bigInt({ min: 0n, max: ALL }),
    write: fc.boolean(),
    signed: fc.boolean(),
  });

  test('does to each byte what the access holds for it, and nothing to others', () => {
    const capabilities = makeCapabilities(presets.everything);
    const masks = masksOf(capabilities, everything().size);
    fc.assert(
      fc.property(fc.array(access, { minLength: 1, maxLength: 60 }), fc.integer(), (accesses, noise) => {
        const registers = new RegisterFile(capabilities);
        fill(registers, noise);
        const literal = new Bytes(masks, stored(registers));
        for (const { offset, size, value, write, signed } of accesses) {
          const cut = signed ? BigInt.asIntN(size, value) : BigInt.asUintN(size, value);
          if (write) {
            literal.write(offset, size / 8, BigInt.asUintN(size, value));
            if (size === 8) registers.write8(offset, Number(cut));
            else if (size === 16) registers.write16(offset, Number(cut));
            else if (size === 32) registers.write32(offset, Number(cut));
            else registers.write64(offset, cut);
          }
          const expected = literal.read(offset, size / 8);
          if (size === 8) expect(BigInt(registers.read8(offset))).toBe(expected);
          else if (size === 16) expect(BigInt(registers.read16(offset))).toBe(expected);
          else if (size === 32) expect(BigInt(registers.read32(offset))).toBe(expected);
          else expect(registers.read64(offset)).toBe(expected);
        }
        expect(difference(stored(registers), literal.value)).toBe(-1);
      }),
    );
  });

  test('64-bit values may be numbers, also negative ones', () => {
    const registers = everything();
    registers.write64(0x70, 0x12_3456_7fff_ffff);
    expect(registers.read64(0x70)).toBe(0x12_3456_7fe0_0000n);
    registers.write64(0x70, -1);
    expect(registers.read64(0x70)).toBe(0xffff_ffff_ffe0_0000n);
    registers.write64(0x70, -(2 ** 32) - 1);
    expect(registers.read64(0x70)).toBe(0xffff_fffe_ffe0_0000n);
    registers.write64(0x70, -(2n ** 63n));
    expect(registers.read64(0x70)).toBe(2n ** 63n);
  });

  test('outside the block reads 0 and drops writes', () => {
    const registers = everything();
    expect(registers.size).toBe(0x2000);
    for (const offset of [0x2000, 0x1_0000, 2 ** 32, 2 ** 32 + 0x20, Number.MAX_SAFE_INTEGER - 8]) {
      registers.write8(offset, 0xff);
      registers.write16(offset, 0xffff);
      registers.write32(offset, 0xffff_ffff);
      registers.write64(offset, ALL);
      expect([registers.read8(offset), registers.read16(offset), registers.read32(offset)]).toEqual([0, 0, 0]);
      expect(registers.read64(offset)).toBe(0n);
    }
    expect(registers.dump()).toEqual(everything().dump());
  });
});

describe('fields that a write of 1 clears (§11.4)', () => {
  test('keep what is written with 0, and clear only in the bytes written', () => {
    const registers = everything();
    registers.set(0x34, 0x0000_0f73);
    registers.write32(0x34, 0);
    expect(registers.read32(0x34)).toBe(0xf73);
    registers.write8(0x35, 0xff);
    registers.write16(0x36, 0xffff);
    expect(registers.read32(0x34)).toBe(0xf73);
    registers.write32(0x34, 0x11);
    expect(registers.read32(0x34)).toBe(0xf62);
    registers.write8(0x34, 0xff);
    // PPF and FRI are the unit's own
    expect(registers.read32(0x34)).toBe(0xf02);
  });

  test('F of a fault record goes alone, by its dword or its byte (§11.4.7.6)', () => {
    const registers = everything();
    for (const clear of [
      () => registers.write32(0x1ffc, 0x8000_0000),
      () => registers.write8(0x1fff, 0x80),
      () => registers.write64(0x1ff8, 1n << 63n),
    ]) {
      registers.set(0x1ffc, 0xc000_0005 | 0);
      clear();
      expect(registers.read32(0x1ffc)).toBe(0x4000_0005);
    }
    expect(registers.offsetOf('FRCD', 255)).toBe(0x1ff0);
  });
});

describe('reset (§11.3)', () => {
  test('a power-good reset restores everything, a warm one leaves sticky fields alone', () => {
    const registers = everything();
    const fresh = registers.dump();
    const touch = () => {
      for (let offset = 0; offset < registers.size; offset += 4) registers.set(offset, -1);
    };
    const initial = stored(registers);
    touch();
    registers.reset(false);
    expect(difference(stored(registers), initial)).toBe(-1);
    touch();
    registers.reset(true);
    const kept = registers.dump().filter(({ value }, index) => value !== fresh[index]?.value);
    expect(kept.map(({ name, value }) => [name, value]).slice(0, 5)).toEqual([
      ['FSTS', 0xff73n],
      ['ICS', 1n],
      ['IQERCD', 0xffff_ffff_0000_000fn],
      ['PRS', 3n],
      ['FRCD[0]', 0xffff_ffff_f000_ffff_ffff_ffff_ffff_f000n],
    ]);
    expect(kept).toHaveLength(4 + 256);
  });
});

describe('hooks', () => {
  test('see what was written and which bytes, after the storage has it', () => {
    const registers = everything();
    const seen: unknown[] = [];
    registers.onWrite(0x3c, (value, byteMask) => seen.push([value, byteMask, registers.get(0x3c)]));
    registers.write32(0x3c, 0x8000_1234);
    registers.write8(0x3f, 0xfe);
    registers.write8(0x3d, 0x56);
    registers.write16(0x3e, 0x8001);
    registers.write16(0x3b, 0x9900);
    expect(seen).toEqual([
      [0x8000_1234 | 0, -1, 0x1234],
      [0xfe00_0000 | 0, 0xff00_0000 | 0, 0x1234],
      [0x5600, 0xff00, 0x5634],
      [0x8001_0000 | 0, 0xffff_0000 | 0, 0x5634],
      [0x99, 0xff, 0x5699],
    ]);
  });

  test('a qword calls the low dword first, then the high one (§11.2)', () => {
    const registers = everything();
    const seen: string[] = [];
    registers.onWrite(0x20, (value) => seen.push(`low ${value} with high ${registers.get(0x24)}`));
    registers.onWrite(0x24, (value) => seen.push(`high ${value} with low ${registers.get(0x20)}`));
    registers.write64(0x20, 0x5_0000_3000n);
    registers.write64(0x20, 0x7_0000_4000);
    expect(seen).toEqual([
      'low 12288 with high 0',
      'high 5 with low 12288',
      'low 16384 with high 5',
      'high 7 with low 16384',
    ]);
  });

  test('a command register keeps nothing, its hook gets it all (§11.4.4.1)', () => {
    const registers = everything();
    const seen: number[] = [];
    registers.onWrite(0x18, (value) => seen.push(value));
    registers.write32(0x18, 0x8400_0001);
    expect(seen).toEqual([0x8400_0001 | 0]);
    expect([registers.read32(0x18), registers.get(0x18)]).toEqual([0, 0]);
  });

  test('what is write-only is kept for the unit (§11.4.6)', () => {
    const registers = everything();
    registers.write64(registers.offsetOf('IVA'), 0x1234_5678_9abc_def5n);
    expect(registers.get(registers.offsetOf('IVA')) >>> 0).toBe(0x9abc_d075);
    expect(registers.get(registers.offsetOf('IVA') + 4)).toBe(0x1234_5678);
    registers.write64(0x28, 0x8000_0003_abcd_0007n);
    expect(registers.read64(0x28)).toBe(0x8000_0000_0000_0007n);
    expect(registers.get(0x28) >>> 0).toBe(0xabcd_0007);
    expect(registers.get(0x2c)).toBe(0x8000_0003 | 0);
  });

  test('several on one dword are called in order; none is called by the unit or by a reset', () => {
    const registers = everything();
    const seen: string[] = [];
    for (const name of ['first', 'second', 'third']) registers.onWrite(0x34, () => seen.push(name));
    registers.set(0x34, 1);
    registers.setBits(0x34, 6);
    registers.clearBits(0x34, 2);
    registers.reset(true);
    expect(seen).toEqual([]);
    expect(registers.get(0x34)).toBe(1);
    registers.write8(0x37, 0);
    expect(seen).toEqual(['first', 'second', 'third']);
  });

  test('there are none where there is no dword', () => {
    for (const offset of [-4, 0x35, 0x2000, 0.5]) {
      expect(() => everything().onWrite(offset, () => {})).toThrow(RangeError);
    }
  });
});

describe('dump', () => {
  test('shows each register that exists, its fields making up its value', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constant(COMPLETE), anyCapabilities), fc.integer(), (capabilities, noise) => {
        const registers = new RegisterFile(capabilities);
        fill(registers, noise);
        let end = 0;
        for (const { name, offset, bytes, value, fields } of registers.dump()) {
          expect(offset).toBeGreaterThanOrEqual(end);
          end = offset + bytes;
          const row = REGISTERS.find((each) => each.name === name.replace(/\[\d+\]$/, '')) as RegisterRow;
          const made = fields.reduce((sum, field) => {
            const { bits, inPlace } = row.fields.find((each) => each.name === field.name) as RegisterField;
            return sum | (field.value << BigInt(inPlace ? 64 * Math.floor(bits[1] / 64) : bits[1]));
          }, 0n);
          expect(made, name).toBe(value);
          const read = (at: number) => (bytes === 4 ? BigInt(registers.read32(at)) : registers.read64(at));
          expect(value).toBe(bytes === 16 ? read(offset) | (read(offset + 8) << 64n) : read(offset));
        }
      }),
      { numRuns: 15 },
    );
  });

  test('shows addresses whole', () => {
    const registers = everything();
    registers.write64(0x20, 0x12_3456_7c00n);
    const rtaddr = registers.dump().find(({ name }) => name === 'RTADDR');
    expect(rtaddr?.value).toBe(0x12_3456_7c00n);
    expect(rtaddr?.fields.map(({ name, value }) => [name, value])).toEqual([
      ['RTA', 0x12_3456_7000n],
      ['TTM', 3n],
      ['SSIRWE', 0n],
    ]);
  });
});

describe('places', () => {
  test('follow CAP.FRO, CAP.NFR and ECAP.IRO, and the block grows to hold them (§11.1)', () => {
    const place = (fro: number, nfr: number, iro: number) =>
      new RegisterFile(
        makeCapabilities({ ...presets.everything, override: { 'CAP.FRO': fro, 'CAP.NFR': nfr, 'ECAP.IRO': iro } }),
      );
    expect(place(0x22, 0, 0xf).size).toBe(0x1000);
    expect(place(0xff, 0, 0xf).size).toBe(0x1000);
    expect(place(0x100, 0, 0xf).size).toBe(0x2000);
    expect(place(0xf1, 15, 0xf).size).toBe(0x2000);
    expect(place(0x22, 0, 0x200).size).toBe(0x4000);
    expect(place(0x3ff, 255, 0xf).size).toBe(0x8000);
    expect(place(0x3ff, 255, 0xf).offsetOf('FRCD', 255)).toBe(0x4fe0);
    expect(place(0x22, 0, 0x210).offsetOf('IVA')).toBe(0x2100);
    expect(place(0x22, 0, 0x210).offsetOf('IOTLB_REG')).toBe(0x2108);
  });

  test('an unknown, absent or further register throws, and says so', () => {
    const registers = new RegisterFile(makeCapabilities(presets['qemu-11.1']));
    expect(() => registers.offsetOf('RTADR')).toThrow(new RangeError('RTADR is not a register: did you mean RTADDR?'));
    expect(() => registers.offsetOf('PMEN')).toThrow(/this unit has no PMEN: it needs CAP\.PLMR or CAP\.PHMR/);
    expect(() => registers.offsetOf('FRCD', 1)).toThrow(/FRCD has no index 1: this unit has 0 to 0/);
    expect(registers.offsetOf('FRCD')).toBe(0x220);
  });
});

describe("the embedder's mistakes throw", () => {
  const registers = everything();

  test.each<[unknown]>([[-1], [0.5], [Number.NaN], [2 ** 53], ['0'], [0n], [undefined]])('offset %s', (offset) => {
    const at = offset as number;
    const error = typeof offset === 'number' ? RangeError : TypeError;
    expect(() => registers.read8(at)).toThrow(error);
    expect(() => registers.read16(at)).toThrow(error);
    expect(() => registers.read32(at)).toThrow(error);
    expect(() => registers.read64(at)).toThrow(error);
    expect(() => registers.write8(at, 0)).toThrow(error);
    expect(() => registers.write16(at, 0)).toThrow(error);
    expect(() => registers.write32(at, 0)).toThrow(error);
    expect(() => registers.write64(at, 0n)).toThrow(error);
  });

  test.each([
    [8, -0x81, 0x100],
    [16, -0x8001, 0x1_0000],
    [32, -0x8000_0001, 0x1_0000_0000],
  ])('values beyond %s bits', (bits, low, high) => {
    const write = (value: unknown) => () => {
      const file = registers as unknown as Record<string, (offset: number, value: unknown) => void>;
      (file[`write${bits}`] as (offset: number, value: unknown) => void).call(registers, 0x3c, value);
    };
    for (const value of [low, high, 0.5, Number.NaN]) expect(write(value)).toThrow(RangeError);
    for (const value of [low + 1, high - 1, 0, -0]) expect(write(value)).not.toThrow();
    for (const value of ['1', 1n, undefined, null, true]) expect(write(value)).toThrow(TypeError);
  });

  test('values beyond 64 bits', () => {
    for (const value of [2n ** 64n, -(2n ** 63n) - 1n])
      expect(() => registers.write64(0x20, value)).toThrow(RangeError);
    for (const value of [2 ** 53, -(2 ** 53), 0.5]) expect(() => registers.write64(0x20, value)).toThrow(RangeError);
    for (const value of ['1', undefined]) {
      expect(() => registers.write64(0x20, value as unknown as number)).toThrow(TypeError);
    }
  });
});
