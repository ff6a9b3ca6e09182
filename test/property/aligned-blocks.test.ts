import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alignedBlocks } from '../../src/index.js';
import { checkProperty } from '../support/check-property.js';

const PAGE = 4096n;
/** Pages in 2^64 bytes. */
const END = 2n ** 52n;

interface Range {
  readonly first: bigint;
  readonly pages: bigint;
}

/** Page numbers of all sizes, often next to a power of two; a number has to hold the addresses exactly. */
const pageNumber: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: 64n }),
  fc.bigInt({ min: 0n, max: END }),
  fc.tuple(fc.integer({ min: 0, max: 52 }), fc.integer({ min: -2, max: 2 })).map(([bit, more]) => {
    const page = 2n ** BigInt(bit) + BigInt(more);
    return page < 0n ? 0n : page > END ? END : page;
  }),
);

const range: fc.Arbitrary<Range> = fc.tuple(pageNumber, pageNumber).map(([one, other]) => {
  const [first, end] = one < other ? [one, other] : [other, one];
  return { first, pages: end - first };
});

function blocksOf({ first, pages }: Range): Range[] {
  return alignedBlocks(Number(first * PAGE), Number(pages * PAGE)).map(({ iova, length }) => ({
    first: BigInt(iova) / PAGE,
    pages: BigInt(length) / PAGE,
  }));
}

/** Fewest blocks from `first` up to `end`, by trying every block that may come first. */
function fewest(first: number, end: number, known = new Map<number, number>()): number {
  if (first === end) return 0;
  const before = known.get(first);
  if (before !== undefined) return before;
  let best = Number.POSITIVE_INFINITY;
  for (let size = 1; first + size <= end && first % size === 0; size *= 2) {
    best = Math.min(best, 1 + fewest(first + size, end, known));
  }
  known.set(first, best);
  return best;
}

describe('alignedBlocks', () => {
  test('covers a range exactly, in order, up to 2^64 bytes', () => {
    checkProperty(range, 2000, (each) => {
      const blocks = blocksOf(each);
      const ends = blocks.map(({ first, pages }) => first + pages);
      expect(blocks.map(({ first }) => first)).toEqual([each.first, ...ends].slice(0, blocks.length));
      expect(ends.at(-1) ?? each.first).toBe(each.first + each.pages);
    });
  });

  test('by powers of two at multiples of themselves', () => {
    checkProperty(range, 2000, (each) => {
      const isAligned = ({ first, pages }: Range) => (pages & (pages - 1n)) === 0n && first % pages === 0n;
      expect(blocksOf(each).filter((block) => !isAligned(block))).toEqual([]);
    });
  });

  test('and by no more blocks than it takes', () => {
    for (let first = 0; first < 40; first++) {
      for (let end = first; end < 100; end++) {
        const blocks = blocksOf({ first: BigInt(first), pages: BigInt(end - first) });
        expect(blocks.length, `pages ${first} to ${end}`).toBe(fewest(first, end));
      }
    }
  });
});
