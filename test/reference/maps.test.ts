import { describe, expect, it } from 'vitest';
import { addressOf, at, HandMadeTables, iova, page, passThrough, plainUnit, sourceId } from './hand-made-tables.js';
import { referenceMaps, referenceTranslate } from './index.js';
import type { ReferenceRun, ReferenceUnit } from './types.js';

const GIB = 1n << 30n;
const MIB2 = 1n << 21n;

describe('all mapped pages of a requester', () => {
  const run = (start: bigint, length: bigint, address: bigint, rights = 'rw'): ReferenceRun => ({
    iova: start,
    length,
    address,
    read: rights.includes('r'),
    write: rights.includes('w'),
  });
  const maps = (tables: HandMadeTables, unit: Partial<ReferenceUnit> = {}, ram: [bigint, bigint][] = []) =>
    referenceMaps({ ...plainUnit, ...unit }, tables.read, sourceId, ram);

  it('§3.7.1 ANDs the rights, leaves out what faults, merges what follows in both address spaces', () => {
    const pageOf = (index: bigint) => iova - 0x123n + index * 0x1000n;
    const tables = new HandMadeTables()
      .set(addressOf.level1 + 8n, (page + 0x1000n) | 3n)
      .set(addressOf.level1 + 16n, (page + 0x2000n) | 1n)
      .set(addressOf.level1 + 24n, (page + 0x3000n) | 1n | (1n << 62n))
      .set(addressOf.level1 + 32n, (page + 0x9000n) | 2n)
      .set(at.level[2], at.level[1] | 1n)
      .set(at.level[2] + 8n * 6n, 0x300000n | 3n) // a table that cannot be read
      .set(at.level[2] + 8n * 7n, (8n * MIB2) | 0x83n)
      .set(at.level[2] + 8n * 8n, (9n * MIB2) | 0x83n);
    const base = 3n * GIB;
    expect(maps(tables)).toEqual([
      run(base + 0x7000n, 0x3000n, page, 'r'),
      run(pageOf(0n), 0x2000n, page),
      run(pageOf(2n), 0x1000n, page + 0x2000n, 'r'),
      run(pageOf(4n), 0x1000n, page + 0x9000n, 'w'),
      run(base + 7n * MIB2, 2n * MIB2, 8n * MIB2),
    ]);
  });

  it('§3.7, §3.15, §11.4.8.1 clips to the domain and cuts out the interrupt range and protected outputs', () => {
    const tables = new HandMadeTables()
      .set(at.level[3], (3n * GIB) | 0x83n) // output holds the interrupt range
      .set(at.level[3] + 8n * 3n, (1n * GIB) | 0x83n) // input holds it
      .set(at.level[3] + 8n * 4n, (2n * GIB) | 0x83n);
    const unit = { mgaw: 32, protectedRanges: [[GIB, GIB + 0xfffffn]] as const };
    const offset = 0x3ee00000n;
    expect(maps(tables, unit)).toEqual([
      run(0n, offset, 3n * GIB),
      run(offset + 0x100000n, GIB - offset - 0x100000n, 3n * GIB + offset + 0x100000n),
      run(3n * GIB + 0x100000n, offset - 0x100000n, GIB + 0x100000n),
      run(3n * GIB + offset + 0x100000n, GIB - offset - 0x100000n, GIB + offset + 0x100000n),
    ]);
    expect(maps(tables, { ...unit, mgaw: 29, protectedRanges: [] })).toEqual([run(0n, GIB / 2n, 3n * GIB)]);
  });

  it('§4.2.5, §7.1.3 remapping off and pass-through: memory itself, without the holes', () => {
    const ram: [bigint, bigint][] = [
      [1n << 45n, (1n << 47n) - 1n],
      [0n, (1n << 32n) - 1n],
    ];
    const low = [run(0n, 0xfee00000n, 0n), run(0xfef00000n, 0x1100000n, 0xfef00000n)];
    expect(maps(new HandMadeTables(), { te: false, ttm: 2 }, ram)).toEqual([
      ...low,
      run(1n << 45n, 3n << 45n, 1n << 45n),
    ]);
    expect(maps(passThrough(), {}, ram)).toEqual([...low, run(1n << 45n, 1n << 45n, 1n << 45n)]);
  });

  it('§3.7 agrees with one request at a time, on tables of every kind of entry', () => {
    let state = 1;
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const holes = [[5n * MIB2 + 0x3000n, 5n * MIB2 + 0x4fffn]] as const;
    let mapped = 0;
    for (let round = 0; round < 200; round++) {
      const tables = new HandMadeTables();
      // Three entries in each table; tables are shared and pages are near, so that runs merge, split and repeat.
      for (let level = 3; level >= 1; level--) {
        for (let table = 0n; table < 2n; table++) {
          for (let index = 0n; index < 3n; index++) {
            const span = [0x1000n, MIB2, GIB][level - 1];
            const leaf = level === 1 || random(3) === 0;
            const next = at.level[level - 1] + 0x1000n * BigInt(random(2));
            const frame = level === 3 ? 3n * GIB * BigInt(random(2)) : 4n * MIB2 + (index + BigInt(random(2))) * span;
            const spoil = random(12) === 0 ? 1n << 62n : 0n;
            const entry =
              (leaf ? frame | (level === 1 ? 0n : 0x80n) : next) | BigInt(random(8) === 0 ? random(4) : 3) | spoil;
            tables.set(at.level[level] + 0x1000n * table + 8n * index, entry);
          }
        }
      }
      if (random(4) === 0) tables.fail(at.level[1] + 8n * BigInt(random(3)));
      const unit = { ...plainUnit, mgaw: [31, 32, 57][random(3)], protectedRanges: holes };
      const runs = referenceMaps(unit, tables.read, sourceId, []);
      mapped += runs.length;
      const edges = [
        ...runs.flatMap((one) => [one.iova - 1n, one.iova, one.iova + one.length - 1n, one.iova + one.length]),
        ...Array.from({ length: 27 }, (_, n) => {
          const [top, middle, bottom] = [n % 3, Math.floor(n / 3) % 3, Math.floor(n / 9)].map(BigInt);
          return top * GIB + middle * MIB2 + bottom * 0x1000n;
        }),
      ];
      for (const edge of edges) {
        if (edge < 0n) continue;
        const run = runs.find((one) => edge >= one.iova && edge < one.iova + one.length);
        for (const access of ['read', 'write'] as const) {
          const answer = referenceTranslate(unit, tables.read, { sourceId, iova: edge, access });
          expect(answer.kind === 'translated' ? answer.address : undefined).toBe(
            run?.[access] ? run.address + (edge - run.iova) : undefined,
          );
        }
      }
    }
    expect(mapped).toBeGreaterThan(500);
  });

  it('§3.4.2 nothing where root, context or mode fault', () => {
    const ram: [bigint, bigint][] = [[0n, 0xffffn]];
    expect(maps(new HandMadeTables().clear(addressOf.root, 1n), {}, ram)).toEqual([]);
    expect(maps(passThrough().or(addressOf.context, 0x10n), {}, ram)).toEqual([]);
    expect(maps(passThrough(), { ttm: 3, adms: true }, ram)).toEqual([]);
  });
});
