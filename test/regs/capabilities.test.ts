import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CapabilityName, type CapabilityOptions, makeCapabilities } from '../../src/regs/capabilities.js';
import { CAPABILITY_ROWS } from '../../src/regs/capability-rows.js';
import { NOT_MODELLED } from '../../src/regs/modelled.js';
import { presets } from '../../src/regs/presets.js';
import { anyCapabilities } from './unchecked.js';

type Fields = Partial<Record<CapabilityName, number>>;

/** What is said of a choice of fields, the rest being a plain unit with little in it. */
function complaint(override: Fields, more: Partial<CapabilityOptions> = {}): string {
  const plain: CapabilityOptions = { cap: 0x8c_222f_0606n & ~0xffn, ecap: 0xf00n, haw: 48 };
  try {
    makeCapabilities({ ...plain, ...more, override: { ...plain.override, ...override } });
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return (error as Error).message;
  }
}

describe('rows of VER, CAP and ECAP (§11.4.1 to §11.4.3)', () => {
  test('have names of their own and share no bit of a register', () => {
    const taken = new Map<string, string>();
    for (const { name, bits } of CAPABILITY_ROWS) {
      const [register, field] = name.split('.');
      expect(field).not.toBe('');
      for (let bit = bits[1]; bit <= bits[0]; bit++) {
        expect(taken.get(`${register}:${bit}`), `bit ${bit} of ${name}`).toBeUndefined();
        taken.set(`${register}:${bit}`, name);
      }
    }
  });

  test('decode a register that the specification describes field by field', () => {
    const capabilities = makeCapabilities({ cap: 0xd2_078c_106f_0466n, ecap: 0xf0_20dfn, haw: 46, version: 0x10 });
    expect(Object.fromEntries(Object.entries(capabilities.values).filter(([, value]) => value !== 0))).toEqual({
      'VER.MAJOR': 1,
      'CAP.ND': 6,
      'CAP.PLMR': 1,
      'CAP.PHMR': 1,
      'CAP.SAGAW': 4,
      'CAP.MGAW': 47,
      'CAP.ZLR': 1,
      'CAP.FRO': 0x10,
      'CAP.SSLPS': 3,
      'CAP.PSI': 1,
      'CAP.NFR': 7,
      'CAP.MAMV': 18,
      'CAP.DWD': 1,
      'CAP.DRD': 1,
      'ECAP.C': 1,
      'ECAP.QI': 1,
      'ECAP.DT': 1,
      'ECAP.IR': 1,
      'ECAP.EIM': 1,
      'ECAP.PT': 1,
      'ECAP.SC': 1,
      'ECAP.IRO': 0x20,
      'ECAP.MHMV': 15,
    });
    expect(capabilities.has('ECAP.PT')).toBe(true);
    expect(capabilities.has('CAP.CM')).toBe(false);
    expect(capabilities.get('CAP.MGAW')).toBe(47);
  });

  test('give back the registers that they were read from, with overrides in place', () => {
    fc.assert(
      fc.property(anyCapabilities, ({ cap, ecap, version, haw, values }) => {
        const again = makeCapabilities({ cap, ecap, version, haw });
        expect(again.values).toEqual(values);
        expect([again.cap, again.ecap, again.version]).toEqual([cap, ecap, version]);
      }),
    );
    expect(makeCapabilities({ ...presets.skylake, override: { 'CAP.CM': 1 } }).cap).toBe(0xd2_008c_4066_04e2n);
    expect(makeCapabilities({ ...presets.skylake, override: { 'VER.MAJOR': 5 } }).version).toBe(0x50);
  });

  test('cannot be changed afterwards', () => {
    const { values } = makeCapabilities(presets.skylake);
    expect(() => Object.assign(values, { 'CAP.CM': 1 })).toThrow(TypeError);
  });
});

describe('contradicting capabilities are refused, and both are named', () => {
  const bindings = CAPABILITY_ROWS.flatMap(({ name, needs = [], section }) =>
    needs.map((other) => ({ name, other, needs, section })),
  );

  test('all "0 if X is 0" rules of §11.4.2 and §11.4.3 have a row', () => {
    const rules = bindings.map(({ name, other }) => `${name} ${other}`.replaceAll('ECAP.', ''));
    expect(rules.join(', ')).toBe(
      'CAP.FS1GP FSTS, CAP.PI IR, CAP.FS5LP FSTS, DT QI, IR QI, EIM IR, MHMV IR, MTS SMTS, NEST SMTS, NEST FSTS, ' +
        'NEST SSTS, PRS DT, PRS SMTS, SRS SMTS, NWFS DT, EAFS FSTS, EAFS SMPWCS, PSS SMTS, PASID SMTS, DIT DT, PDS DT, ' +
        'SMTS QI, SSADS SMPWCS, FSTS SMTS, SMPWCS SMTS, RPS SMTS, PMS CAP.ECMDS, RPRIVS SRS, HPTS SMTS, HPTS DT, ' +
        'PTRS DT, PTRS PASID, SSIRWS SSTS, SMS PRS, HPT1GPS HPTS, EIMER EIM, IRREQ IR',
    );
  });

  test.each(bindings)('$name needs $other ($section)', ({ name, other, needs, section }) => {
    const without: Fields = { [name]: 1, ...Object.fromEntries(needs.map((need) => [need, 1])), [other]: 0 };
    const sentence = `${name}=1 needs ${other}=1, but ${other}=0: set ${other}=1 or ${name}=0 (${section})`;
    expect(complaint(without)).toContain(sentence);
    expect(complaint({ ...without, [other]: 1 })).not.toContain(`${name}=1 needs ${other}`);
    expect(complaint({ ...without, [name]: 0 })).not.toContain(
      `needs ${other}=1, but ${other}=0: set ${other}=1 or ${name}`,
    );
  });

  test('RWBF is 0 in scalable mode (§11.4.2)', () => {
    expect(complaint({ 'CAP.RWBF': 1, 'ECAP.SMTS': 1 })).toContain('CAP.RWBF=1 needs ECAP.SMTS=0, but ECAP.SMTS=1');
    expect(complaint({ 'CAP.RWBF': 1 })).toBe('');
  });

  test.each(['CAP.DRD', 'CAP.DWD'] as const)('%s is 1 from major version 2 on (§11.4.1)', (name) => {
    const both: Fields = { 'CAP.DRD': 1, 'CAP.DWD': 1 };
    expect(complaint({ ...both, 'VER.MAJOR': 2, [name]: 0 })).toContain(`VER.MAJOR=2 needs ${name}=1, but ${name}=0`);
    expect(complaint({ ...both, 'VER.MAJOR': 2 })).toBe('');
    expect(complaint({ ...both, 'VER.MAJOR': 1, [name]: 0 })).toBe('');
    expect(complaint({ ...both, 'VER.MAJOR': 6 })).toBe('');
  });

  test('FRCD, IVA and IOTLB_REG stand where no other register does (§11.1)', () => {
    expect(complaint({ 'CAP.FRO': 3 })).toMatch(
      /^CAP\.FRO=0x3 puts FRCD at 0x30, where FSTS stands \(0x34 to 0x37\)[^;]*$/,
    );
    expect(complaint({ 'ECAP.IRO': 1 })).toMatch(/^ECAP\.IRO=0x1 puts IVA at 0x10, where ECAP stands[^;]*$/);
    expect(complaint({ 'CAP.FRO': 0x40, 'ECAP.IRO': 0x43, 'CAP.NFR': 3 })).toMatch(
      /^[^;]*ECAP\.IRO=0x43[^;]*CAP\.FRO=0x40[^;]*$/,
    );
    expect(complaint({ 'CAP.FRO': 0x40, 'ECAP.IRO': 0x44, 'CAP.NFR': 3 })).toBe('');
    // the place of a register that the unit lacks is free, as on real hardware
    expect(complaint({ 'ECAP.QI': 1, 'ECAP.IRO': 8 })).toMatch(/ECAP\.IRO=0x8 puts IVA at 0x80, where IQH stands/);
    expect(complaint({ 'ECAP.QI': 0, 'ECAP.IRO': 8 })).toBe('');
  });

  test('all that is wrong is told at once', () => {
    const message = complaint({ 'ECAP.EIM': 1, 'CAP.SSLPS': 2, 'ECAP.SMTS': 1, 'ECAP.TDXCS': 1 });
    expect(message.split('; ')).toHaveLength(4);
  });
});

describe('values that the architecture does not define are refused', () => {
  test.each<[CapabilityName, number[], number[]]>([
    ['VER.MAJOR', [1, 15], [0]],
    ['CAP.ND', [0, 6], [7]],
    ['CAP.SAGAW', [0, 2, 4, 14], [1, 16, 3]],
    ['CAP.SSLPS', [0, 1, 3], [2, 4, 7]],
    ['ECAP.ERS', [0], [1]],
  ])('%s may be %j, not %j', (name, good, bad) => {
    const drains: Fields = { 'CAP.DRD': 1, 'CAP.DWD': 1 };
    for (const value of good) expect(complaint({ ...drains, [name]: value })).toBe('');
    for (const value of bad)
      expect(complaint({ ...drains, [name]: value })).toMatch(`${name}=${value} is not defined: `);
  });

  test('reserved and deprecated bits', () => {
    for (const bit of [13n, 15n, 23n, 36n, 38n, 57n, 58n]) {
      const { message } = catchError(() =>
        makeCapabilities({ ...presets.skylake, cap: presets.skylake.cap | (1n << bit) }),
      );
      // bits 36 and 37 belong to SSLPS, of which only two have a meaning
      expect(message).toMatch(
        bit === 36n ? /CAP\.SSLPS=7/ : `CAP has reserved or deprecated bits set, 0x${(1n << bit).toString(16)}`,
      );
    }
    for (const bit of [5n, 18n, 24n, 27n, 28n, 32n, 54n, 63n]) {
      const ecap = presets.skylake.ecap | (1n << bit);
      expect(() => makeCapabilities({ ...presets.skylake, ecap })).toThrow(/^ECAP has reserved or deprecated bits set/);
    }
    expect(() => makeCapabilities({ ...presets.skylake, version: 0x110 })).toThrow(/^VER has reserved/);
    expect(() => makeCapabilities({ ...presets.skylake, cap: 1n << 64n })).toThrow(RangeError);
    expect(() => makeCapabilities({ ...presets.skylake, cap: -1n })).toThrow(RangeError);
  });
});

describe('capabilities that are not modelled yet are refused', () => {
  test.each(NOT_MODELLED)('%s', (name) => {
    const { about } = CAPABILITY_ROWS.find((row) => row.name === name) as (typeof CAPABILITY_ROWS)[number];
    expect(complaint({ [name]: 1 })).toContain(`${name} (${about}) is not modelled yet: leave it 0`);
  });

  test('all others can be chosen, alone or together', () => {
    const chosen = new Set<string>();
    fc.assert(
      fc.property(anyCapabilities, (capabilities) => {
        for (const { name } of CAPABILITY_ROWS) if (capabilities.has(name)) chosen.add(name);
      }),
      { numRuns: 200 },
    );
    const modelled = CAPABILITY_ROWS.map(({ name }) => name).filter((name) => !NOT_MODELLED.includes(name));
    expect([...chosen].sort()).toEqual(modelled.filter((name) => name !== 'ECAP.ERS').sort());
  });
});

describe('wrong arguments are told from wrong choices', () => {
  test('an unknown name is a TypeError that lists near names', () => {
    const wrong = (name: string) => () => makeCapabilities({ ...presets.skylake, override: { [name]: 1 } as Fields });
    expect(wrong('CAP.SLLPS')).toThrow(new TypeError('CAP.SLLPS is not a capability: did you mean CAP.SSLPS?'));
    expect(wrong('SMTS')).toThrow(/did you mean ECAP\.SMTS/);
    expect(wrong('CAP.EIM')).toThrow(/did you mean ECAP\.EIM/);
    expect(wrong('nonsense')).toThrow(TypeError);
  });

  test('a value wider than its field is a RangeError that says the range', () => {
    const wrong = (value: number) => () => makeCapabilities({ ...presets.skylake, override: { 'CAP.ND': value } });
    expect(wrong(8)).toThrow(new RangeError('CAP.ND is 8: it holds whole numbers from 0 to 7'));
    expect(wrong(-1)).toThrow(RangeError);
    expect(wrong(1.5)).toThrow(RangeError);
    expect(wrong(Number.NaN)).toThrow(RangeError);
    expect(wrong('1' as unknown as number)).toThrow(TypeError);
    expect(wrong(true as unknown as number)).toThrow(TypeError);
  });

  test('registers and the address width', () => {
    expect(() => makeCapabilities({ ...presets.skylake, cap: 1 as unknown as bigint })).toThrow(TypeError);
    expect(() => makeCapabilities({ ...presets.skylake, version: '1' as unknown as number })).toThrow(TypeError);
    for (const haw of [31, 53, 39.5, Number.NaN]) {
      expect(() => makeCapabilities({ ...presets.everything, haw })).toThrow(/^haw is .* from 32 to 52$/);
    }
    for (const haw of [32, 52]) expect(makeCapabilities({ ...presets.everything, haw }).haw).toBe(haw);
  });
});

function catchError(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
