import fc from 'fast-check';
import { hex, type Step } from './scenario.js';

/** The memory of a soup: a few pages, which hold anything. */
export const SOUP_BASE = 0x10_0000;
export const SOUP_PAGES = 16;
/** Longer than the pages in use, so that functions answer for it, which count what they are asked. */
export const SOUP_RAM = [[hex(SOUP_BASE), '0x110000']] as const;

/** A page of anything, or of what looks like something. */
export interface SoupPage {
  readonly page: number;
  readonly like: 'usual' | 'nothing' | SoupKind;
  readonly seed: number;
}

type SoupKind = 'root entries' | 'context entries' | 'paging entries' | 'descriptors';

/** Where in the soup things usually stand: first page, and how many. */
const USUAL: Readonly<Record<SoupKind, readonly [first: number, count: number]>> = {
  'root entries': [0, 1],
  'context entries': [1, 2],
  'paging entries': [3, 10],
  descriptors: [13, 3],
};

export const soupPage: fc.Arbitrary<SoupPage> = fc.record({
  page: fc.nat(SOUP_PAGES - 1),
  like: fc.oneof(
    { weight: 7, arbitrary: fc.constant('usual' as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'nothing' as const,
        'root entries',
        'context entries',
        'paging entries',
        'descriptors',
      ),
    },
  ),
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
});

/** The pages at first: all of them as usual, by one seed, or only a few. */
export const soupPages: fc.Arbitrary<SoupPage[]> = fc
  .tuple(
    fc.option(fc.integer({ min: 1, max: 2 ** 30 }), { nil: undefined, freq: 4 }),
    fc.array(soupPage, { maxLength: 4, size: 'max' }),
  )
  .map(([seed, others]) => {
    const usual = Array.from({ length: seed === undefined ? 0 : SOUP_PAGES }, (_, page): SoupPage => {
      return { page, like: 'usual', seed: (seed as number) + page };
    });
    return [...usual, ...others];
  });

/** A page of soup as a command. */
export function soupStep({ page, like, seed }: SoupPage): Step {
  const words = new BigUint64Array(512);
  const random = new SoupRandom(seed);
  const usual = (Object.keys(USUAL) as SoupKind[]).find((each) => page < USUAL[each][0] + USUAL[each][1]);
  const kind = like === 'usual' ? usual : like;
  // tables are full, or nearly empty
  const sparse = kind === 'paging entries' ? [1, 2, 16, 64][seed % 4] : 1;
  for (let index = 0; index < 512; index += 2) {
    if (kind === 'descriptors') words.set(random.descriptor(), index);
    else if (kind === 'nothing' || random.below(24) === 0) words.set([random.word(), random.word()], index);
    else if (random.below(sparse) !== 0) continue;
    else if (kind === 'root entries') words.set([random.frame('context entries') | 1n, 0n], index);
    else if (kind === 'context entries') words.set(random.context(), index);
    else words.set([random.paging(), random.paging()], index);
  }
  return { op: 'memwrite', addr: hex(SOUP_BASE + page * 4096), hex: Buffer.from(words.buffer).toString('hex') };
}

/** Words that look like something, always the same ones for the same seed. */
class SoupRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % limit;
  }

  word(): bigint {
    return (BigInt(this.below(2 ** 32)) << 32n) | BigInt(this.below(2 ** 32));
  }

  /** The address of a page where such things usually stand, rarely of any page or the one behind the last. */
  frame(kind: SoupKind): bigint {
    const [first, count] = USUAL[kind];
    const page = this.below(16) === 0 ? this.below(SOUP_PAGES + 1) : first + this.below(count);
    return BigInt(SOUP_BASE + page * 4096);
  }

  context(): [bigint, bigint] {
    const type = this.below(4) === 0 ? this.below(4) << 2 : 0;
    const flags = (this.below(8) === 0 ? 0 : 1) | (this.below(4) === 0 ? 2 : 0) | type;
    return [
      this.frame('paging entries') | BigInt(flags),
      BigInt([2, 2, 2, 1, 3][this.below(5)] | ((1 + this.below(3)) << 8)),
    ];
  }

  paging(): bigint {
    const rights = this.below(8) === 0 ? this.below(4) : 3;
    if (this.below(4) === 0) return (this.word() & 0xff_ffe0_0000n) | BigInt(rights) | 0x80n;
    return this.frame('paging entries') | BigInt(rights);
  }

  /** A context-cache or IOTLB invalidation or a wait, rarely with something wrong. */
  descriptor(): [bigint, bigint] {
    if (this.below(40) === 0) return [this.word(), this.word()];
    const granularity = BigInt((1 + this.below(3)) << 4);
    const domainId = BigInt(1 + this.below(3)) << 16n;
    switch (this.below(4)) {
      case 0:
        return [1n | granularity | domainId | (0x10n << 32n), 0n];
      case 1:
        return [
          5n | BigInt(this.below(4) << 4) | (BigInt(this.below(2 ** 32)) << 32n),
          this.frame('descriptors') | 0xff0n,
        ];
      default:
        return [2n | granularity | domainId, (this.word() & 0xff_ffff_f000n) | BigInt(this.below(10))];
    }
  }
}

/** Register writes that bring a unit to life on soup, so that what follows does something. */
export function awake(root: number, queueAt: number): Step[] {
  const at = (page: number) => BigInt(SOUP_BASE + page * 4096);
  return [
    { op: 'regwrite', off: '0x20', size: 8, value: hex(at(root)) },
    { op: 'regwrite', off: '0x18', size: 4, value: '0x40000000' },
    { op: 'regwrite', off: '0x90', size: 8, value: hex(at(queueAt)) },
    { op: 'regwrite', off: '0x18', size: 4, value: '0x4000000' },
    { op: 'regwrite', off: '0x18', size: 4, value: '0x84000000' },
    { op: 'regwrite', off: '0x88', size: 4, value: '0x400' },
  ];
}
