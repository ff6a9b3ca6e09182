import fc from 'fast-check';
import type { Driver } from './driver.js';
import type { Geography } from './world-places.js';

/** Damage to one 64-bit word of the tables: which word, and what becomes of it. */
export interface Corruption {
  readonly pick: number;
  readonly damage:
    | { readonly kind: 'flip'; readonly bit: number }
    | { readonly kind: 'garbage'; readonly value: bigint }
    | { readonly kind: 'nowhere' | 'itself' | 'zero' | 'interrupts' }
    | { readonly kind: 'table'; readonly pick: number };
}

export const corruption: fc.Arbitrary<Corruption> = fc.record({
  pick: fc.nat(1000),
  damage: fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('flip' as const), bit: fc.nat(63) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('garbage' as const),
        value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constantFrom('nowhere' as const, 'itself', 'zero', 'interrupts') }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('table' as const), pick: fc.nat(1000) }) },
  ),
});

const FRAME = 0xf_ffff_ffff_f000n;

/** Damages one word; all words that are not 0 can be hit: entries of root, context and paging tables. */
export function corrupt({ image, tables }: Driver, { firstTable }: Geography, { pick, damage }: Corruption): void {
  const { entries } = image;
  if (entries.length === 0) return;
  const at = entries[pick % entries.length];
  const word = tables.word(at);
  const pointingTo = (address: number) => (word & ~FRAME) | BigInt(address);
  switch (damage.kind) {
    case 'flip':
      tables.setWord(at, word ^ (1n << BigInt(damage.bit)));
      break;
    case 'garbage':
      tables.setWord(at, damage.value);
      break;
    case 'zero':
      tables.setWord(at, 0n);
      break;
    case 'nowhere':
      tables.setWord(at, pointingTo(0x7000_0000));
      break;
    case 'interrupts':
      tables.setWord(at, pointingTo(0xfee0_1000));
      break;
    case 'itself':
      tables.setWord(at, pointingTo(at - (at % 4096)));
      break;
    default: {
      const other = entries[damage.pick % entries.length];
      tables.setWord(at, pointingTo(Math.max(firstTable * 4096, other - (other % 4096))));
    }
  }
}
