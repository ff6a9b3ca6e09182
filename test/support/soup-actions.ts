import fc from 'fast-check';
import { ACCESSES, type Access } from './probe.js';
import { SOUP_BASE, SOUP_PAGES, type SoupPage, soupPage } from './soup.js';

/** Any register write; offsets and values are often such that something happens. */
interface SoupWrite {
  readonly off: number;
  readonly size: 1 | 2 | 4 | 8;
  readonly value: bigint;
}

const PAGE_BITS = 12n;
const frame = fc.nat(SOUP_PAGES).map((page) => (BigInt(SOUP_BASE) >> PAGE_BITS) + BigInt(page));
const anything = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const low = fc.nat(0x1ff).map(BigInt);

function write(off: number, size: 4 | 8, value: fc.Arbitrary<bigint>): fc.Arbitrary<SoupWrite> {
  return value.map((each) => ({ off, size, value: each }));
}

const bits = (...shifts: number[]) =>
  fc.subarray(shifts, { minLength: 1 }).map((chosen) => chosen.reduce((sum, shift) => sum | (1n << BigInt(shift)), 0n));
const tail = fc.oneof(fc.nat(0xff), fc.nat(0x7fff)).map((index) => BigInt(index) << 4n);
const rootFrame = fc.oneof(
  { weight: 4, arbitrary: fc.constant(BigInt(SOUP_BASE) >> PAGE_BITS) },
  { weight: 1, arbitrary: frame },
);
const pointer = fc
  .tuple(rootFrame, fc.constantFrom(0n, 0n, 0n, 0n, 0n, 0n, 0x400n, 0x800n, 0xc00n))
  .map(([to, mode]) => (to << 12n) | mode);
const queue = fc.tuple(frame, fc.constantFrom(0n, 0n, 1n, 7n, 0x800n)).map(([to, shape]) => (to << 12n) | shape);

const meant: fc.Arbitrary<SoupWrite> = fc.oneof(
  write(
    0x18,
    4,
    bits(31, 30, 26, 25, 24, 23).map((each) => each | 0x8000_0000n),
  ),
  write(
    0x18,
    4,
    fc.constantFrom(0xc400_0000n, 0x8400_0000n, 0xc600_0000n, 0x8400_0000n, 0xc000_0000n, 0x0400_0000n, 0n),
  ),
  write(0x20, 8, pointer),
  write(
    0x28,
    8,
    fc.tuple(anything, fc.nat(3)).map(([rest, g]) => (1n << 63n) | (BigInt(g) << 61n) | (rest & 0x3_ffff_ffffn)),
  ),
  write(0x34, 4, low),
  write(0x38, 4, bits(31, 30, 0)),
  write(0x64, 4, fc.constantFrom(0x8000_0000n, 0n)),
  write(0x68, 8, anything),
  write(0x70, 8, anything),
  write(0x78, 8, anything),
  write(0x88, 8, tail),
  write(0x88, 4, tail),
  write(0x34, 4, fc.constant(0x7fn)),
  write(0x90, 8, queue),
  write(0x9c, 4, fc.constant(1n)),
  write(0xa0, 4, bits(31, 30, 0)),
  write(0xf0, 8, anything),
  write(
    0xf8,
    8,
    fc.tuple(anything, fc.nat(3)).map(([rest, g]) => (1n << 63n) | (BigInt(g) << 60n) | (rest & 0x3_ffff_ffff_ffffn)),
  ),
  write(0x22c, 4, fc.constant(0x8000_0000n)),
);

const blind: fc.Arbitrary<SoupWrite> = fc
  .record({
    off: fc.oneof(fc.nat(0x2ff), fc.nat(0x3fff)),
    size: fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const),
    value: fc.oneof(anything, fc.constantFrom(0n, 2n ** 64n - 1n)),
  })
  .map(({ off, size, value }) => ({ off, size, value: value & ((1n << BigInt(8 * size)) - 1n) }));

/** What a device does, or somebody who looks on. */
export type SoupAction =
  | { readonly kind: 'register'; readonly write: SoupWrite }
  | {
      readonly kind: 'translate' | 'read' | 'write' | 'atomic' | 'zero-length read' | 'word';
      readonly dev: number;
      readonly iova: bigint;
      readonly bytes: number;
      readonly access: Access;
      readonly translated: boolean;
      readonly pasid: number | undefined;
    }
  | { readonly kind: 'page'; readonly page: SoupPage }
  | { readonly kind: 'replay' | 'notify'; readonly dev: number; readonly first: bigint; readonly pages: bigint }
  | { readonly kind: 'forget' }
  | { readonly kind: 'reset'; readonly warm: boolean }
  | { readonly kind: 'step'; readonly limit: number };

const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const dev = fc.constantFrom(0x0010, 0x0000, 0x0098, 0xffff);
const iova = fc.oneof(
  { weight: 3, arbitrary: fc.nat(0xffff).map(BigInt) },
  { weight: 1, arbitrary: anything },
  { weight: 1, arbitrary: fc.nat(0x20_ffff).map((offset) => 0xfedf_0000n + BigInt(offset)) },
  { weight: 1, arbitrary: fc.nat(0x2000).map((offset) => 2n ** 64n - 1n - BigInt(offset)) },
  { weight: 3, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 39n - 1n }) },
);

export const soupAction: fc.Arbitrary<SoupAction> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('register' as const), write: meant }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('register' as const), write: blind }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('translate' as const, 'read', 'write', 'atomic', 'zero-length read', 'word'),
      dev,
      iova,
      bytes: fc.oneof(fc.nat(16), fc.nat(9000)),
      access: fc.constantFrom(...ACCESSES),
      translated: fc.constantFrom(false, false, false, true),
      pasid: rarely(fc.nat(0xf_ffff)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('page' as const), page: soupPage }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('replay' as const, 'replay', 'notify'),
      dev,
      first: iova.map((each) => each & ~0xfffn),
      pages: fc.oneof(fc.constant(2n ** 52n), fc.bigInt({ min: 1n, max: 2n ** 40n })),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'forget' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const), warm: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('step' as const), limit: fc.nat(4) }) },
);
