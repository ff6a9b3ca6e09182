import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildDmar, type DmarTable, parseDmar } from '../../src/index.js';
import { checkProperty } from '../support/check-property.js';
import { anyTable } from './any-table.js';
import { capturedTables } from './captured-tables.js';

/** A parsed table is the table that was built: what was left out is 0 or empty, addresses are bigint. */
function expectSame(complete: unknown, given: unknown, place: string): void {
  if (given instanceof Uint8Array) expect(complete, place).toEqual(given);
  else if (typeof given === 'object' && given !== null) {
    for (const [name, value] of Object.entries(given)) {
      expectSame((complete as Record<string, unknown>)[name], value, `${place}.${name}`);
    }
    if (Array.isArray(given)) expect((complete as unknown[]).length, place).toBe(given.length);
  } else if (typeof complete === 'bigint') expect(complete, place).toBe(BigInt(given as number | bigint));
  else expect(complete, place).toBe(given);
}

describe('buildDmar and parseDmar', () => {
  test('a table that is built and parsed is the same table, and has no remarks', () => {
    checkProperty(anyTable, 500, (table) => {
      const result = parseDmar(buildDmar(table));
      if (!result.ok) throw new Error(result.problem.message);
      expect(result.remarks).toEqual([]);
      expectSame(result.table, table, 'table');
    });
  });

  test('what is left out is 0, no flags, no scopes', () => {
    const result = parseDmar(buildDmar({ hostAddressWidth: 39, structures: [{ type: 'DRHD', registerBase: 0x1000 }] }));
    expect(result).toMatchObject({
      table: {
        flags: [],
        structures: [{ type: 'DRHD', flags: [], size: 0, segment: 0, registerBase: 0x1000n, scopes: [] }],
      },
    });
  });

  test('the bytes of a table sum up to 0, and its length is theirs (§8.1)', () => {
    checkProperty(anyTable, 200, (table) => {
      const bytes = Buffer.from(buildDmar(table));
      expect(bytes.reduce((sum, byte) => sum + byte, 0) % 256).toBe(0);
      expect(bytes.readUInt32LE(4)).toBe(bytes.length);
    });
  });

  test('a built table is an Uint8Array of its own, not a Buffer', () => {
    expect(Object.getPrototypeOf(buildDmar({ hostAddressWidth: 39, structures: [] }))).toBe(Uint8Array.prototype);
  });
});

describe('parseDmar of bytes that anyone wrote', () => {
  /** A built table, with some bytes changed, cut off or repeated, and perhaps with a right checksum again. */
  const damaged = fc
    .tuple(
      fc.oneof(anyTable.map(buildDmar), fc.constantFrom(...capturedTables.map(({ bytes }) => bytes))),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 0xff })), { maxLength: 3 }),
      fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: -20, max: 20 })),
      fc.boolean(),
    )
    .map(([table, changes, more, isRepaired]) => {
      const bytes = Buffer.alloc(Math.max(table.length + more, 0));
      bytes.set(table.subarray(0, bytes.length));
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      if (isRepaired && bytes.length > 9) {
        bytes.writeUInt32LE(bytes.length, 4);
        bytes[9] -= bytes.reduce((sum, byte) => sum + byte, 0);
      }
      return new Uint8Array(bytes);
    });

  test('gives a table or one problem; a table without remarks is built into the same bytes', () => {
    const seen = { same: 0, remarks: 0, problems: 0 };
    checkProperty(damaged, 2000, (bytes) => {
      const result = parseDmar(bytes);
      if (!result.ok) {
        seen.problems++;
        expect(result.problem.message).toMatch(/\w/);
        expect(result.problem.offset).toBeLessThanOrEqual(bytes.length);
      } else if (result.remarks.length === 0) {
        seen.same++;
        expect(buildDmar(result.table)).toEqual(bytes);
      } else seen.remarks++;
    });
    // each outcome was met often
    expect(Math.min(seen.same, seen.remarks, seen.problems)).toBeGreaterThan(100);
  });

  const plain: DmarTable = {
    hostAddressWidth: 48,
    structures: [
      { type: 'DRHD', registerBase: 0xfed90000, scopes: [{ type: 'endpoint', path: [{ device: 2, function: 0 }] }] },
      { type: 'RHSA', registerBase: 0xfed90000, proximityDomain: 1 },
      { type: 'ANDD', deviceNumber: 1, objectName: '\\_SB.X' },
    ],
  };
  const DRHD = 48;
  const SCOPE = DRHD + 16;
  const RHSA = SCOPE + 8;
  const ANDD = RHSA + 20;

  /** The plain table after a change of bytes. */
  function changed(at: number, ...values: number[]) {
    const bytes = buildDmar(plain);
    bytes.set(values, at);
    return parseDmar(bytes);
  }

  test.each([
    ['no bytes', new Uint8Array(0), 0, '0 bytes are too few'],
    ['a header that is cut off', buildDmar(plain).subarray(0, 47), 0, '47 bytes are too few'],
    ['a table that is cut off', buildDmar(plain).subarray(0, 80), 4, '80 are there'],
    ['another table', Uint8Array.from({ length: 48 }, () => 0x41), 0, 'does not begin with "DMAR"'],
  ])('refuses %s', (_, bytes, offset, message) => {
    expect(parseDmar(bytes)).toMatchObject({
      ok: false,
      problem: { offset, message: expect.stringContaining(message) },
    });
  });

  test.each([
    ['a length below that of the header', 4, [47, 0, 0, 0], 4, 'says that it has 47 bytes'],
    ['a structure of length 0, which would never end', DRHD + 2, [0, 0], DRHD + 2, 'DRHD has length 0'],
    ['a structure shorter than its fixed part', RHSA + 2, [19, 0], RHSA + 2, 'RHSA has length 19: it has at least 20'],
    ['a structure that leaves the table', ANDD + 2, [200, 0], ANDD + 2, 'ANDD has length 200: only 15 bytes'],
    ['a scope of length 0', SCOPE + 1, [0], SCOPE, 'device scope of length 0'],
    ['a scope without a path', SCOPE + 1, [6], SCOPE, 'device scope of length 6'],
    ['a scope of odd length', SCOPE + 1, [7], SCOPE, 'device scope of length 7'],
    ['a scope that leaves its structure', SCOPE + 1, [10], SCOPE, 'device scope of length 10'],
    ['bytes that are no scope', DRHD + 2, [17, 0], SCOPE, 'device scope of length 0'],
  ])('refuses %s', (_, at, values, offset, message) => {
    expect(changed(at, ...values)).toMatchObject({
      ok: false,
      problem: { offset, message: expect.stringContaining(message) },
    });
  });

  test.each([
    ['a wrong checksum', 9, [0], 9, 'wrong checksum: it is 0x0'],
    ['reserved bits of the header', 37, [0x80], 37, 'reserved bits 0x80 of DMAR table'],
    ['reserved bits of a structure', DRHD + 5, [0x10], DRHD + 5, 'reserved bits 0x10 of DRHD'],
    ['reserved bits of a scope', SCOPE + 2, [0xe0], SCOPE + 2, 'reserved bits 0xe0 of device scope'],
    ['a function that PCI does not have', SCOPE + 7, [8], SCOPE + 6, 'device 2, function 8'],
    ['a name without an end', ANDD + 14, [0x41], ANDD + 15, 'not terminated'],
    ['a name with bytes behind it', ANDD + 10, [0], ANDD + 11, '4 bytes follow the object name'],
  ])('remarks %s, and reads the table', (_, at, values, offset, message) => {
    const result = changed(at, ...values);
    expect(result).toMatchObject({ ok: true });
    expect(result.ok && result.remarks).toContainEqual({ offset, message: expect.stringContaining(message) });
  });

  test('leaves what follows the table alone, and says so', () => {
    const bytes = buildDmar(plain);
    const result = parseDmar(Uint8Array.from([...bytes, 1, 2, 3]));
    expect(result).toMatchObject({
      ok: true,
      remarks: [{ offset: bytes.length, message: '3 bytes follow the table' }],
    });
  });

  test('keeps a structure of unknown type as it is (§8.2)', () => {
    const structures = [{ type: 7, body: Uint8Array.of(1, 2, 3) }] as const;
    const result = parseDmar(buildDmar({ hostAddressWidth: 48, structures }));
    expect(result).toMatchObject({ ok: true, remarks: [], table: { structures } });
  });

  test('throws if it is given no bytes', () => {
    expect(() => parseDmar('DMAR' as never)).toThrow(TypeError);
  });
});
