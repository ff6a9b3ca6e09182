import { referenceTranslate } from './index.js';
import { TableWords } from './table-words.js';
import {
  type Access,
  noScalableMode,
  type ReferenceOutcome,
  type ReferenceRequest,
  type ReferenceUnit,
} from './types.js';

/** Where a hand-made set of tables stands. */
export const at = {
  root: 0x1000n,
  context: 0x2000n,
  /** Tables of levels 5 to 1, so that `level[3]` is the first of a 39-bit domain. */
  level: [0n, 0x10000n, 0x20000n, 0x30000n, 0x40000n, 0x50000n],
} as const;

/** The requester of the hand-made tables: 01:02.3. */
export const sourceId = 0x0113;

/** An input address whose index differs at every level, with an offset. */
export const iova = (3n << 30n) | (5n << 21n) | (7n << 12n) | 0x123n;

export const page = 0x9_8765_4000n;

/** A unit with every legacy capability but snoop control, 46 host bits, remapping on. */
export const plainUnit: ReferenceUnit = {
  ...noScalableMode,
  mgaw: 57,
  haw: 46,
  sagaw: 0b1110,
  nd: 2,
  zlr: true,
  sslps: 3,
  cm: false,
  pt: true,
  dt: true,
  sc: false,
  adms: false,
  smts: false,
  ir: true,
  major: 1,
  te: true,
  ire: false,
  ttm: 0,
  ssirwe: false,
  root: at.root,
  protectedRanges: [],
};

/** Root and context entry for `sourceId`, and a 3-level domain that maps `iova`'s 4 KiB page to `page`, read-write. */
export class HandMadeTables extends TableWords {
  constructor() {
    super();
    this.words.set(addressOf.root, at.context | 1n);
    this.words.set(addressOf.context, at.level[3] | 1n);
    this.words.set(addressOf.context + 8n, (9n << 8n) | 1n);
    this.words.set(addressOf.level3, at.level[2] | 3n);
    this.words.set(addressOf.level2, at.level[1] | 3n);
    this.words.set(addressOf.level1, page | 3n);
  }
}

/** The entries that a request of `sourceId` to `iova` meets. */
export const addressOf = {
  root: at.root + 16n * 0x01n,
  context: at.context + 16n * 0x13n,
  level3: at.level[3] + 8n * 3n,
  level2: at.level[2] + 8n * 5n,
  level1: at.level[1] + 8n * 7n,
} as const;

/** Tables whose context entry is pass-through (TT=2), with no pointer. */
export const passThrough = () => new HandMadeTables().set(addressOf.context, 0b1001n);

/** Tables whose context entry allows translated requests (TT=1). */
export const deviceTlb = () => new HandMadeTables().or(addressOf.context, 0b0100n);

/** What differs from `plainUnit`, the hand-made tables and a read by `sourceId` at `iova`. */
export interface Given {
  unit?: Partial<ReferenceUnit>;
  tables?: HandMadeTables;
  request?: Partial<ReferenceRequest>;
}

export function outcome({ unit, tables = new HandMadeTables(), request }: Given): ReferenceOutcome {
  return referenceTranslate({ ...plainUnit, ...unit }, tables.read, { sourceId, iova, access: 'read', ...request });
}

/** The fault's condition, or the kind of any other outcome. */
export function verdict(given: Given): string {
  const result = outcome(given);
  return result.kind === 'fault' ? result.condition : result.kind;
}

/** The verdicts of a read, a write, an AtomicOp and a zero-length read. */
export function verdicts(given: Given): string[] {
  const accesses: Access[] = ['read', 'write', 'atomic', 'zero-length-read'];
  return accesses.map((access) => verdict({ ...given, request: { ...given.request, access } }));
}
