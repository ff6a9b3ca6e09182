import type { Driver } from '../driver.js';
import { type Geography, iovaAt, pageBytes, targetAt } from '../world-places.js';
import type { EntryChange } from './edits.js';
import type { SecondStageSpec, StagePages, StageSpec } from './spec.js';

const A = { first: 1n << 5n, second: 1n << 8n } as const;
const D = { first: 1n << 6n, second: 1n << 9n } as const;
const EA = 1n << 10n;
const PS = 0x80n;
const FRAME = 0xf_ffff_ffff_f000n;

/** The tables of one stage. */
export interface Stage {
  readonly kind: 'first' | 'second';
  readonly top: number;
  readonly levels: number;
  /** Width of its input addresses. */
  readonly bits: number;
  readonly spec: StageSpec;
  /** Rights are in bits 61 and 62 (SSIRWE). */
  readonly ioRights: boolean;
  /** Addresses of the entries that were written. */
  readonly tableEntries: Set<number>;
  readonly pageEntries: Set<number>;
}

export function makeStage(
  driver: Driver,
  kind: Stage['kind'],
  bits: number,
  spec: StageSpec,
  ioRights: boolean,
): Stage {
  return {
    kind,
    top: driver.tables.page(),
    levels: spec.levels,
    bits,
    spec,
    ioRights,
    tableEntries: new Set(),
    pageEntries: new Set(),
  };
}

/** The first address of pages; those of a first stage are canonical (§3.6). */
export function stageIova({ kind, bits }: Stage, { iova, level }: Pick<StagePages, 'iova' | 'level'>): bigint {
  return canonical(kind, bits, iovaAt(iova, level, bits));
}

function canonical(kind: Stage['kind'], bits: number, address: bigint): bigint {
  const isUpper = kind === 'first' && address >> BigInt(bits - 1) === 1n;
  return isUpper ? address | ((1n << 64n) - (1n << BigInt(bits))) : address;
}

/**
 * Address of the entry of `level` for an input address: 0 when a page above stands in its place, or a table on the way
 * is missing and may not be made.
 */
export function stageEntry(
  { tables }: Driver,
  stage: Stage,
  input: bigint,
  level: number,
  table: ((frame: number, level: number) => bigint) | undefined,
): number {
  let frame = stage.top;
  for (let at = stage.levels; ; at--) {
    const entry = frame * 4096 + Number((input >> BigInt(3 + 9 * at)) & 511n) * 8;
    if (at === level) return entry;
    const word = tables.word(entry);
    if ((word & 3n) === 0n) {
      if (table === undefined) return 0;
      frame = tables.page();
      tables.setWord(entry, table(frame, at));
      stage.tableEntries.add(entry);
    } else if (at <= 3 && (word & PS) !== 0n) return 0;
    else frame = Number((word & FRAME) >> 12n);
  }
}

/** Flags of an entry that a driver has set beforehand. */
function presetFlags({ kind, spec: { flags, flagsEnabled } }: Stage, isPage: boolean): bigint {
  if (flags === 'none') return 0n;
  if (flags === 'accessed') return A[kind];
  const extended = kind === 'first' && flagsEnabled ? EA : 0n;
  return A[kind] | extended | (isPage ? D[kind] : 0n);
}

function rightsBits({ kind, ioRights }: Stage, rights: number, user: boolean): bigint {
  if (kind === 'first') return rights === 0 ? 0n : 1n | BigInt(rights & 2) | (user ? 4n : 0n);
  // with SSIRWE the usual bits mean nothing
  return ioRights ? 3n | (BigInt(rights) << 61n) : BigInt(rights);
}

/** Bits that a page may have besides without meaning: in a first stage bit 2 is U/S, bit 6 D, bit 10 EA. */
function harmless({ kind, ioRights }: Stage, extra: bigint): bigint {
  if (kind === 'first') return extra & ~0x444n;
  return extra & ~0x300n & (ioRights ? ~(1n << 61n) : -1n);
}

/** Maps pages, as far as there is room and no larger page stands in the way. */
export function mapStage(driver: Driver, map: Geography, stage: Stage, spec: StagePages): void {
  const size = pageBytes(spec.level);
  const first = iovaAt(spec.iova, spec.level, stage.bits);
  const target = targetAt(spec.target, spec.level, map);
  for (let index = 0n; index < BigInt(spec.count); index++) {
    const iova = first + index * size;
    if (iova >= 1n << BigInt(stage.bits)) break;
    const address = (target + (spec.contiguous ? index * size : 0n)) & ((1n << BigInt(map.haw)) - 1n);
    mapPage(driver, stage, canonical(stage.kind, stage.bits, iova), address, spec);
  }
}

type PageSpec = Pick<StagePages, 'rights' | 'level' | 'tableRights' | 'extra' | 'user' | 'userTables'>;

function mapPage(driver: Driver, stage: Stage, input: bigint, address: bigint, spec: PageSpec): void {
  const entry = stageEntryFor(driver, stage, input, spec);
  if (entry !== 0) setPage(driver, stage, entry, address, spec);
}

/** Address of the entry for a page; makes the tables above it, as far as there is room. */
function stageEntryFor(driver: Driver, stage: Stage, input: bigint, spec: Omit<PageSpec, 'rights'>): number {
  if (!driver.hasRoom) return 0;
  const tableRights = (level: number) => (spec.tableRights === 'mixed' ? 1 + (level % 2) : spec.tableRights);
  return stageEntry(driver, stage, input, spec.level, (frame, level) => {
    return (BigInt(frame) << 12n) | rightsBits(stage, tableRights(level), spec.userTables) | presetFlags(stage, false);
  });
}

function setPage(driver: Driver, stage: Stage, entry: number, address: bigint, spec: PageSpec): void {
  const size = spec.level > 1 ? PS : 0n;
  const bits = rightsBits(stage, spec.rights, spec.user) | presetFlags(stage, true) | harmless(stage, spec.extra);
  driver.tables.setWord(entry, address | bits | size);
  stage.pageEntries.add(entry);
}

/** What becomes of an entry when a driver changes its rights, its flags or, of a page, its frame. */
export function changedEntry(
  stage: Stage,
  word: bigint,
  level: number,
  change: Exclude<EntryChange, { kind: 'clear' }>,
): bigint {
  const isFirst = stage.kind === 'first';
  switch (change.kind) {
    case 'rights': {
      const mask = isFirst ? 7n : 3n | (stage.ioRights ? 3n << 61n : 0n);
      return (word & ~mask) | rightsBits(stage, change.rights, change.user);
    }
    case 'flags':
      return word & ~(isFirst ? A.first | EA | D.first : A.second | D.second);
    default: {
      const isPage = level === 1 || (level <= 3 && (word & PS) !== 0n);
      return isPage ? word ^ ((BigInt(change.page) * pageBytes(level)) & 0xfff_f000n & ~(pageBytes(level) - 1n)) : word;
    }
  }
}

const DATA = 0x80_0000n;

/** Maps the tables onto themselves, and data, so that first stages can be nested in a second one. */
export function mapWindow(
  driver: Driver,
  map: Geography,
  stage: Stage,
  { window }: SecondStageSpec,
  megabytes: boolean,
): void {
  if (window === 'none') return;
  const plain = { level: 1, tableRights: 3, extra: 0n, user: true, userTables: true } as const;
  const limit = 1n << BigInt(stage.bits);
  let entry = 0;
  for (let index = 0; index < map.tables; index++) {
    const address = BigInt(map.firstTable + index) * 4096n;
    if (address >= limit) break;
    const lesser = { writable: 3, 'read-only': 1, 'some read-only': 1, 'some write-only': 2 }[window];
    const rights = window === 'read-only' || index % 5 === 3 ? lesser : 3;
    // a table's entries follow each other
    if (entry === 0 || (entry + 8) % 4096 === 0) {
      entry = stageEntryFor(driver, stage, address, plain);
      if (entry === 0) break;
    } else entry += 8;
    setPage(driver, stage, entry, address, { ...plain, rights });
  }
  if (megabytes) mapPage(driver, stage, DATA, DATA, { ...plain, rights: 3, level: 2 });
  else {
    for (let index = 0n; index < 24n; index++) {
      const address = DATA + index * 4096n;
      mapPage(driver, stage, address, address ^ 0x1000n, { ...plain, rights: index % 7n === 6n ? 1 : 3 });
    }
  }
}
