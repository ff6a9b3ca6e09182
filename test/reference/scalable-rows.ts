import type { Condition } from './conditions.js';
import {
  iova,
  page,
  pagePermission,
  pasid,
  pgtt,
  ridPasid,
  ScalableTables,
  sourceId,
  wordOf,
} from './scalable-tables.js';
import type { Access } from './types.js';

/** A request as a region sends it. */
export interface RowRequest {
  sourceId: number;
  iova: bigint;
  access: Access;
  pasid?: number;
  privileged?: boolean;
  execute?: boolean;
  translated?: boolean;
}

/** One way to meet one condition: tables and a unit that are all right but for what the row spoils. */
export interface ScalableRow {
  readonly condition: Condition;
  /** What is wrong. */
  readonly about: string;
  /** PGTT of the tables; 1 if left out. */
  readonly type?: bigint;
  /** Fields of VER, CAP and ECAP that differ from {@link scalableCapabilities}. */
  readonly caps?: Readonly<Record<string, number>>;
  /** Host address width; {@link hostAddressWidth} if left out. */
  readonly haw?: number;
  /** RTADDR besides the pointer; scalable mode if left out. */
  readonly rtaddr?: bigint;
  /** What is all right in the tables, but not as usual. */
  readonly prepare?: (tables: ScalableTables) => ScalableTables;
  readonly spoil?: (tables: ScalableTables) => ScalableTables;
  readonly request?: Partial<RowRequest>;
}

export const hostAddressWidth = 46;

/** All that scalable mode has, as fields of VER, CAP and ECAP. */
export const scalableCapabilities: Readonly<Record<string, number>> = {
  'VER.MAJOR': 5,
  'CAP.ND': 2,
  'CAP.RWBF': 0,
  'CAP.CM': 0,
  'CAP.SAGAW': 0b1110,
  'CAP.MGAW': 47,
  'CAP.ZLR': 1,
  'CAP.SSLPS': 3,
  'CAP.FS1GP': 1,
  'CAP.FS5LP': 1,
  'ECAP.DT': 1,
  'ECAP.IR': 1,
  'ECAP.PT': 1,
  'ECAP.SC': 1,
  'ECAP.ADMS': 1,
  'ECAP.SMTS': 1,
  'ECAP.MTS': 1,
  'ECAP.FSTS': 1,
  'ECAP.SSTS': 1,
  'ECAP.NEST': 1,
  'ECAP.PRS': 1,
  'ECAP.SRS': 1,
  'ECAP.EAFS': 1,
  'ECAP.PSS': 19,
  'ECAP.PASID': 1,
  'ECAP.SSADS': 1,
  'ECAP.SMPWCS': 1,
  'ECAP.RPS': 1,
  'ECAP.RPRIVS': 1,
  'ECAP.HPTS': 1,
  'ECAP.HPT1GPS': 1,
  'ECAP.PTRS': 1,
  'ECAP.SSIRWS': 1,
};

/** The tables of a row. */
export function tablesOf(row: ScalableRow): ScalableTables {
  const tables = preparedTables(row);
  return row.spoil === undefined ? tables : row.spoil(tables);
}

/** The same before they are spoiled. */
export function preparedTables({ type = pgtt.firstStage, prepare }: ScalableRow): ScalableTables {
  const tables = new ScalableTables(type);
  return prepare === undefined ? tables : prepare(tables);
}

/** The request of a row: a read of `iova` without PASID, if it says nothing else. */
export function requestOf({ request }: ScalableRow): RowRequest {
  return { sourceId, iova, access: 'read', ...request };
}

const { firstStage, secondStage, nested, passThrough } = pgtt;
/** RTADDR.TTM. */
const ttm = (mode: bigint) => mode << 10n;
const PRE = 1n << 4n;
const HPTE = 1n << 5n;
const EPTR = 1n << 6n;
const SSADE = 1n << 9n;
const A = { first: 1n << 5n, second: 1n << 8n } as const;
const withPasid = { pasid } as const;
const translated = { translated: true, iova: page } as const;
const context = (bits: bigint) => (tables: ScalableTables) => tables.or(wordOf.context, bits);
const hpt =
  (spoil: (tables: ScalableTables) => ScalableTables): ScalableRow['spoil'] =>
  (tables) =>
    spoil(tables.or(wordOf.context, HPTE));
/** No page in the host permission table. */
const noPage = (tables: ScalableTables) => tables.clear(pagePermission.word, 0xfn << pagePermission.shift);
const onlyRight = (right: bigint) =>
  hpt((tables) => noPage(tables).or(pagePermission.word, right << pagePermission.shift));
/** SSADE, on tables whose flags are not set. */
const accessedDirty = (tables: ScalableTables) => tables.orEntries(0, SSADE);
const notSnooped = (tables: ScalableTables) => tables.clearEntries(1, 1n << 23n);
/** All flags that a read needs are set in the first stage. */
const accessed = (tables: ScalableTables) => {
  for (const level of [4, 3, 2, 1]) tables.or(wordOf.firstStage(level), A.first);
  return tables;
};
/** A of the second stage on the way to `iova`. */
const secondAccessed = (tables: ScalableTables) => {
  for (const level of [4, 3, 2, 1]) tables.or(wordOf.secondStage(level), A.second);
  return tables;
};

/** A way, or several, to meet each condition that a read, write or AtomicOp can meet in scalable mode. */
export const scalableRows: readonly ScalableRow[] = [
  // faults.md §3
  { condition: 'RTA.1.1', about: 'abort-DMA mode without ADMS', caps: { 'ECAP.ADMS': 0 }, rtaddr: ttm(3n) },
  { condition: 'RTA.1.2', about: 'mode 2', rtaddr: ttm(2n) },
  { condition: 'RTA.1.3', about: 'scalable mode without SMTS', caps: withoutScalableMode() },
  { condition: 'RTA.1.4', about: 'SSIRWE in legacy mode', rtaddr: 1n << 7n },
  { condition: 'RTA.2', about: 'PASID in legacy mode', rtaddr: 0n, request: withPasid },
  { condition: 'RTA.4', about: 'abort-DMA mode', rtaddr: ttm(3n) },
  { condition: 'RTA.4', about: 'abort-DMA mode, translated', rtaddr: ttm(3n), request: translated },
  {
    condition: 'RTA.5',
    about: 'execute request, major 8',
    caps: { 'VER.MAJOR': 8 },
    request: { ...withPasid, execute: true },
  },

  // faults.md §4: root entry
  { condition: 'SRT.1', about: 'root entry unreadable', spoil: (tables) => tables.fail(wordOf.root) },
  { condition: 'SRT.1', about: 'its other half unreadable', spoil: (tables) => tables.fail(wordOf.root + 8n) },
  { condition: 'SRT.2', about: 'LP=0', spoil: (tables) => tables.clear(wordOf.root, 1n) },
  { condition: 'SRT.2', about: 'UP=0', request: { sourceId: 0x0193 } },
  { condition: 'SRT.3', about: 'bit 1', spoil: (tables) => tables.or(wordOf.root, 2n) },
  { condition: 'SRT.3', about: 'bit 11', spoil: (tables) => tables.or(wordOf.root, 1n << 11n) },
  { condition: 'SRT.3', about: 'LCTP ≥ HAW', spoil: (tables) => tables.or(wordOf.root, 1n << 46n) },
  {
    condition: 'SRT.3',
    about: 'UCTP ≥ HAW',
    spoil: (tables) => tables.set(wordOf.root + 8n, (1n << 63n) | 1n),
    request: { sourceId: 0x0193 },
  },

  // context entry
  { condition: 'SCT.1', about: 'context entry unreadable', spoil: (tables) => tables.fail(wordOf.context) },
  { condition: 'SCT.1', about: 'its last word unreadable', spoil: (tables) => tables.fail(wordOf.context + 24n) },
  { condition: 'SCT.2', about: 'P=0', spoil: (tables) => tables.clear(wordOf.context, 1n) },
  { condition: 'SCT.3', about: 'bit 7', spoil: context(1n << 7n) },
  { condition: 'SCT.3', about: 'bit 8', spoil: context(1n << 8n) },
  { condition: 'SCT.3', about: 'DTE without DT', caps: withoutDeviceTlb() },
  {
    condition: 'SCT.3',
    about: 'PASIDE without PASID',
    caps: { 'ECAP.PASID': 0, 'ECAP.PTRS': 0 },
  },
  { condition: 'SCT.3', about: 'PRE without PRS', caps: { 'ECAP.PRS': 0 }, spoil: context(PRE) },
  { condition: 'SCT.3', about: 'HPTE without HPTS', caps: withoutHpt(), spoil: context(HPTE) },
  { condition: 'SCT.3', about: 'EPTR without PTRS', caps: { 'ECAP.PTRS': 0 }, spoil: context(EPTR) },
  { condition: 'SCT.3', about: 'PASIDDIRPTR ≥ HAW', spoil: context(1n << 46n) },
  { condition: 'SCT.3', about: 'RID_PASID without RPS', caps: { 'ECAP.RPS': 0 } },
  {
    condition: 'SCT.3',
    about: 'RID_PRIV without RPRIVS',
    caps: { 'ECAP.RPRIVS': 0 },
    spoil: (tables) => tables.or(wordOf.context + 8n, 1n << 20n),
  },
  { condition: 'SCT.3', about: 'bit 85', spoil: (tables) => tables.or(wordOf.context + 8n, 1n << 21n) },
  { condition: 'SCT.3', about: 'bit 255', spoil: (tables) => tables.or(wordOf.context + 24n, 1n << 63n) },
  {
    condition: 'SCT.4.1',
    about: 'PRE=1, DTE=0',
    spoil: (tables) => tables.clear(wordOf.context, 1n << 2n).or(wordOf.context, PRE),
  },
  {
    condition: 'SCT.4.2',
    about: 'RID_PASID beyond PDTS',
    spoil: (tables) => tables.set(wordOf.context + 8n, 1n << 13n),
  },
  {
    condition: 'SCT.4.3',
    about: 'EPTR=1, PASIDE=0',
    spoil: (tables) => tables.clear(wordOf.context, 1n << 3n).or(wordOf.context, EPTR),
  },
  {
    condition: 'SCT.5',
    about: 'translated, DTE=0',
    spoil: (tables) => tables.clear(wordOf.context, 1n << 2n),
    request: translated,
  },
  {
    condition: 'SCT.6',
    about: 'PASID, PASIDE=0',
    spoil: (tables) => tables.clear(wordOf.context, 1n << 3n),
    request: withPasid,
  },
  { condition: 'SCT.7', about: 'PASID beyond PDTS', request: { pasid: 0x2000 } },
  { condition: 'SCT.9', about: 'PASID is RID_PASID', request: { pasid: ridPasid } },
  {
    condition: 'SCT.9',
    about: 'PASID 0 without RPS',
    caps: { 'ECAP.RPS': 0 },
    spoil: (tables) => tables.set(wordOf.context + 8n, 0n),
    request: { pasid: 0 },
  },
  { condition: 'SCT.10', about: 'translated with PASID, EPTR=0', request: { ...translated, pasid } },

  // PASID directory and table
  { condition: 'SPD.1', about: 'directory entry unreadable', spoil: (tables) => tables.fail(wordOf.directory) },
  { condition: 'SPD.2', about: 'P=0', spoil: (tables) => tables.clear(wordOf.directory, 1n) },
  { condition: 'SPD.2', about: 'P=0, another directory entry', request: { pasid: 64 } },
  { condition: 'SPD.3', about: 'bit 2', spoil: (tables) => tables.or(wordOf.directory, 1n << 2n) },
  { condition: 'SPD.3', about: 'SMPTBLPTR ≥ HAW', spoil: (tables) => tables.or(wordOf.directory, 1n << 46n) },
  { condition: 'SPT.1', about: 'PASID entry unreadable', spoil: (tables) => tables.fail(wordOf.ridEntry) },
  {
    condition: 'SPT.1',
    about: 'its last word unreadable',
    spoil: (tables) => tables.fail(wordOf.pasidEntry + 56n),
    request: withPasid,
  },
  {
    condition: 'SPT.1',
    about: 'for a translated request',
    spoil: hpt((tables) => tables.fail(wordOf.ridEntry)),
    request: translated,
  },
  { condition: 'SPT.2', about: 'P=0', spoil: (tables) => tables.clear(wordOf.ridEntry, 1n) },
  { condition: 'SPT.2', about: 'P=0, another PASID', request: { pasid: 6 } },
  ...reservedInPasidEntry(),
  {
    condition: 'SPT.4.1',
    about: 'AW 0',
    type: secondStage,
    spoil: (tables) => tables.clearEntries(0, 7n << 2n),
  },
  {
    condition: 'SPT.4.1',
    about: 'AW not in SAGAW',
    type: nested,
    caps: { 'CAP.SAGAW': 0b1010 },
  },
  { condition: 'SPT.4.2', about: 'PGTT 0', type: 0n },
  { condition: 'SPT.4.2', about: 'PGTT 5', type: 5n },
  {
    condition: 'SPT.4.2',
    about: 'PGTT 1 without FSTS',
    type: firstStage,
    caps: withoutFirstStage(),
    spoil: (tables) => tables.clearEntries(2, ~0n),
  },
  { condition: 'SPT.4.2', about: 'PGTT 3 without NEST', type: nested, caps: { 'ECAP.NEST': 0 } },
  { condition: 'SPT.4.2', about: 'PGTT 4 without PT', type: passThrough, caps: { 'ECAP.PT': 0 } },
  {
    condition: 'SPT.4.3',
    about: 'FSPM 1 without FS5LP',
    caps: { 'CAP.FS5LP': 0 },
    spoil: (tables) => tables.orEntries(2, 1n << 2n),
  },
  { condition: 'SPT.4.3', about: 'FSPM 2', type: nested, spoil: (tables) => tables.orEntries(2, 2n << 2n) },
  {
    condition: 'SPT.4.4',
    about: 'FSPTPTR beyond AGAW',
    type: nested,
    // AW 1: three levels, 39 bits
    spoil: (tables) =>
      tables
        .clearEntries(0, 7n << 2n)
        .orEntries(0, 1n << 2n)
        .orEntries(2, 1n << 39n),
  },
  { condition: 'SPT.5', about: 'execute request', request: { ...withPasid, execute: true } },
  { condition: 'SPT.6', about: 'supervisor request, SRE=0', request: { ...withPasid, privileged: true } },
  {
    condition: 'SPT.6',
    about: 'RID_PRIV, SRE=0, pass-through',
    type: passThrough,
    spoil: (tables) => tables.or(wordOf.context + 8n, 1n << 20n),
  },
  {
    condition: 'SPT.9',
    about: 'beyond HPTSZ',
    haw: 52,
    caps: { 'CAP.MGAW': 51 },
    spoil: hpt((tables) => tables),
    request: { translated: true, iova: 1n << 49n },
  },

  // faults.md §5: first stage
  ...[3, 2, 1].map(
    (level): ScalableRow => ({
      condition: 'SFS.1',
      about: `entry of level ${level} unreadable`,
      spoil: (tables) => tables.fail(wordOf.firstStage(level)),
    }),
  ),
  ...[4, 3, 2, 1].flatMap((level): ScalableRow[] => [
    {
      condition: 'SFS.2',
      about: `P=0 in level ${level}`,
      spoil: (tables) => tables.clear(wordOf.firstStage(level), 1n),
    },
    {
      condition: 'SFS.3',
      about: `bit HAW in level ${level}`,
      spoil: (tables) => tables.or(wordOf.firstStage(level), 1n << 46n),
    },
    {
      condition: 'SFS.5',
      about: `ADDR beyond AGAW in level ${level}`,
      type: nested,
      spoil: (tables) => threeLevels(tables).or(wordOf.firstStage(level), 1n << 39n),
    },
    {
      condition: 'SFS.8',
      about: `A of level ${level} behind a second stage without W`,
      type: nested,
      spoil: (tables) => tables.clear(wordOf.tableStage(1, level), 2n),
    },
    {
      condition: 'SFS.9',
      about: `A of level ${level} needed, not snooped`,
      spoil: (tables) => notSnooped(accessed(tables)).clear(wordOf.firstStage(level), A.first),
    },
    {
      condition: 'SFS.10',
      about: `A of level ${level} cannot be set`,
      spoil: (tables) => tables.keep(wordOf.firstStage(level)),
    },
  ]),
  { condition: 'SFS.3', about: 'PS in level 4', spoil: (tables) => tables.or(wordOf.firstStage(4), 0x80n) },
  {
    condition: 'SFS.3',
    about: 'PS in level 3 without FS1GP',
    caps: { 'CAP.FS1GP': 0 },
    spoil: (tables) => tables.set(wordOf.firstStage(3), 0x87n),
  },
  { condition: 'SFS.3', about: '1 GiB, bit 13', spoil: (tables) => tables.set(wordOf.firstStage(3), 0x2087n) },
  { condition: 'SFS.3', about: '1 GiB, bit 29', spoil: (tables) => tables.set(wordOf.firstStage(3), 0x2000_0087n) },
  { condition: 'SFS.3', about: '2 MiB, bit 20', spoil: (tables) => tables.set(wordOf.firstStage(2), 0x10_0087n) },
  { condition: 'SFS.4', about: 'top entry unreadable', spoil: (tables) => tables.fail(wordOf.firstStage(4)) },
  { condition: 'SFS.4', about: 'nested', type: nested, spoil: (tables) => tables.fail(wordOf.firstStage(4)) },
  {
    condition: 'SFS.6',
    about: 'the top table has no R in the second stage',
    type: nested,
    spoil: (tables) => tables.clear(wordOf.tableStage(1, 4), 1n),
  },
  {
    condition: 'SFS.6',
    about: 'the top table has no W in the second stage, with SSADE',
    type: nested,
    spoil: (tables) => accessedDirty(tables).clear(wordOf.tableStage(1, 4), 2n),
  },
  ...[3, 2, 1].map(
    (level): ScalableRow => ({
      condition: 'SFS.7',
      about: `the table of level ${level} has no R in the second stage`,
      type: nested,
      spoil: (tables) => tables.clear(wordOf.tableStage(1, level), 1n),
    }),
  ),
  {
    condition: 'SFS.9',
    about: 'D needed, no SMPWCS',
    caps: withoutSnoopedWalks(),
    spoil: (tables) => notSnooped(accessed(tables)),
    request: { access: 'write' },
  },
  {
    condition: 'SFS.9',
    about: 'EA needed, not snooped',
    spoil: (tables) => notSnooped(accessed(tables)).orEntries(2, 1n << 7n),
  },

  // second stage
  ...[3, 2, 1].map(
    (level): ScalableRow => ({
      condition: 'SSS.1',
      about: `entry of level ${level} unreadable`,
      type: secondStage,
      spoil: (tables) => tables.fail(wordOf.secondStage(level)),
    }),
  ),
  {
    condition: 'SSS.1',
    about: 'on the way to a first-stage table',
    type: nested,
    spoil: (tables) => tables.fail(wordOf.tableStage(1, 3)),
  },
  ...[4, 3, 2, 1].flatMap((level): ScalableRow[] => [
    {
      condition: 'SSS.2',
      about: `R=W=0 in level ${level}`,
      type: secondStage,
      spoil: (tables) => tables.clear(wordOf.secondStage(level), 3n),
    },
    {
      condition: 'SSS.2',
      about: `IR=IW=0 in level ${level} with SSIRWE`,
      type: secondStage,
      rtaddr: ttm(1n) | (1n << 7n),
      prepare: ioRights,
      spoil: (tables) => tables.clear(wordOf.secondStage(level), 3n << 61n),
    },
    {
      condition: 'SSS.3',
      about: `bit HAW in level ${level}`,
      type: secondStage,
      spoil: (tables) => tables.or(wordOf.secondStage(level), 1n << 46n),
    },
    {
      condition: 'SSS.3',
      about: `IW in level ${level} without SSIRWE`,
      type: secondStage,
      spoil: (tables) => tables.or(wordOf.secondStage(level), 1n << 62n),
    },
    {
      condition: 'SSS.5',
      about: `A of level ${level} needed, not snooped`,
      type: secondStage,
      spoil: (tables) => notSnooped(accessedDirty(secondAccessed(tables))).clear(wordOf.secondStage(level), A.second),
    },
    {
      condition: 'SSS.6',
      about: `A of level ${level} cannot be set`,
      type: secondStage,
      spoil: (tables) => accessedDirty(tables).keep(wordOf.secondStage(level)),
    },
  ]),
  {
    condition: 'SSS.2',
    about: 'R and W at different levels',
    type: secondStage,
    spoil: (tables) => tables.clear(wordOf.secondStage(3), 1n).clear(wordOf.secondStage(1), 2n),
  },
  {
    condition: 'SSS.2',
    about: 'R=W=0 on the way to the guest page',
    type: nested,
    spoil: (tables) => tables.clear(wordOf.guestLeaf, 3n),
  },
  {
    condition: 'SSS.3',
    about: 'PS in level 2 without SSLPS',
    type: secondStage,
    caps: { 'CAP.SSLPS': 0 },
    spoil: (tables) => tables.or(wordOf.secondStage(2), 0x80n),
  },
  {
    condition: 'SSS.3',
    about: 'SNP without SC',
    type: secondStage,
    caps: { 'ECAP.SC': 0 },
    spoil: (tables) => tables.or(wordOf.secondStage(1), 1n << 11n),
  },
  {
    condition: 'SSS.4',
    about: 'top entry unreadable',
    type: secondStage,
    spoil: (tables) => tables.fail(wordOf.secondStage(4)),
  },
  {
    condition: 'SSS.5',
    about: 'D needed, not snooped',
    type: secondStage,
    spoil: (tables) => notSnooped(accessedDirty(secondAccessed(tables))),
    request: { access: 'write' },
  },

  // general
  { condition: 'SGN.1', about: 'bit 63 alone', request: { iova: iova | (1n << 63n) } },
  { condition: 'SGN.1', about: '2^47', type: nested, request: { iova: 1n << 47n } },
  ...[4, 3, 2, 1].map(
    (level): ScalableRow => ({
      condition: 'SGN.2',
      about: `U/S=0 in level ${level}`,
      spoil: (tables) => tables.clear(wordOf.firstStage(level), 4n),
    }),
  ),
  { condition: 'SGN.4.1', about: 'translated, 2^HAW', request: { translated: true, iova: 1n << 46n } },
  {
    condition: 'SGN.4.1',
    about: 'translated, 2^HAW, with HPT',
    prepare: context(HPTE),
    request: { translated: true, iova: 1n << 46n },
  },
  { condition: 'SGN.4.2', about: 'pass-through, 2^HAW', type: passThrough, request: { iova: 1n << 46n } },
  { condition: 'SGN.5', about: '2^AGAW', type: secondStage, request: { iova: 1n << 48n } },
  {
    condition: 'SGN.5',
    about: '2^MGAW',
    type: secondStage,
    caps: { 'CAP.MGAW': 46 },
    request: { iova: 1n << 47n },
  },
  ...([firstStage, secondStage, nested] as const).flatMap((type): ScalableRow[] =>
    (['write', 'atomic'] as const).map((access) => ({
      condition: 'SGN.6',
      about: `${access} without right, PGTT ${type}`,
      type,
      spoil: (tables) => tables.clear(type === secondStage ? wordOf.secondStage(3) : wordOf.firstStage(3), 2n),
      request: { access },
    })),
  ),
  {
    condition: 'SGN.6',
    about: 'supervisor write with WPE',
    spoil: (tables) => tables.clear(wordOf.firstStage(1), 2n).orEntries(2, 1n | (1n << 4n)),
    request: { ...withPasid, privileged: true, access: 'write' },
  },
  {
    condition: 'SGN.6',
    about: 'no W for the guest page',
    type: nested,
    spoil: (tables) => tables.clear(wordOf.guestLeaf, 2n),
    request: { access: 'write' },
  },
  {
    condition: 'SGN.7',
    about: 'read of a write-only page',
    type: secondStage,
    spoil: (tables) => tables.clear(wordOf.secondStage(1), 1n),
  },
  {
    condition: 'SGN.7',
    about: 'AtomicOp of a write-only guest page',
    type: nested,
    spoil: (tables) => tables.clear(wordOf.guestLeaf, 1n),
    request: { access: 'atomic' },
  },
  {
    condition: 'SGN.7',
    about: 'zero-length read of a write-only page without ZLR',
    type: secondStage,
    caps: { 'CAP.ZLR': 0 },
    spoil: (tables) => tables.clear(wordOf.secondStage(1), 1n),
    request: { access: 'zero-length-read' },
  },
  {
    condition: 'SGN.8.1',
    about: 'first stage leads into the interrupt range',
    spoil: (tables) => tables.set(wordOf.firstStage(1), 0xfee0_1007n),
  },
  {
    condition: 'SGN.8.1',
    about: 'nested leads into the interrupt range',
    type: nested,
    spoil: (tables) => tables.set(wordOf.guestLeaf, 0xfeef_f003n),
    request: { access: 'write' },
  },
  {
    condition: 'SGN.8.1',
    about: 'pass-through with PASID',
    type: passThrough,
    request: { ...withPasid, iova: 0xfee0_0000n },
  },
  { condition: 'SGN.8.3', about: 'translated', request: { translated: true, iova: 0xfee0_0000n } },
  { condition: 'SGN.10', about: 'PASID beyond PSS', caps: { 'ECAP.PSS': 6 }, request: { pasid: 0x80 } },

  // host permission table
  ...[3, 2, 1].flatMap((level): ScalableRow[] => [
    {
      condition: 'HPT.1',
      about: `entry of level ${level} unreadable`,
      spoil: hpt((tables) => tables.fail(wordOf.hpt(level) + 8n)),
      request: translated,
    },
    {
      condition: 'HPT.2',
      about: `bit 2 in level ${level}`,
      spoil: hpt((tables) => tables.or(wordOf.hpt(level), 4n)),
      request: translated,
    },
  ]),
  {
    condition: 'HPT.2',
    about: 'bit 65 in level 4',
    spoil: hpt((tables) => tables.or(wordOf.hpt(4) + 8n, 2n)),
    request: translated,
  },
  {
    condition: 'HPT.2',
    about: '1 GiB without HPT1GPS',
    caps: { 'ECAP.HPT1GPS': 0 },
    spoil: hpt((tables) => tables.or(wordOf.hpt(3), 1n)),
    request: translated,
  },
  {
    condition: 'HPT.3',
    about: 'top entry unreadable',
    spoil: hpt((tables) => tables.fail(wordOf.hpt(4))),
    request: translated,
  },
  {
    condition: 'HPT.4',
    about: 'zero-length read, no page',
    spoil: hpt(noPage),
    request: { ...translated, access: 'zero-length-read' },
  },
  ...[4, 3, 2].flatMap((level): ScalableRow[] => [
    {
      condition: 'HPT.5',
      about: `write, AV=0 in level ${level}`,
      spoil: hpt((tables) => tables.clear(wordOf.hpt(level) + 8n, 1n)),
      request: { ...translated, access: 'write' },
    },
    {
      condition: 'HPT.6',
      about: `read, AV=0 in level ${level}`,
      spoil: hpt((tables) => tables.clear(wordOf.hpt(level) + 8n, 1n)),
      request: translated,
    },
  ]),
  {
    condition: 'HPT.5',
    about: 'AtomicOp of a read-only page',
    spoil: onlyRight(1n),
    request: { ...translated, access: 'atomic' },
  },
  { condition: 'HPT.6', about: 'read of a write-only page', spoil: onlyRight(2n), request: translated },
  {
    condition: 'HPT.6',
    about: 'with PASID',
    spoil: (tables) => noPage(tables.or(wordOf.context, HPTE | EPTR)),
    request: { ...translated, pasid },
  },
  {
    condition: 'HPT.6',
    about: 'zero-length read without ZLR',
    caps: { 'CAP.ZLR': 0 },
    spoil: onlyRight(2n),
    request: { ...translated, access: 'zero-length-read' },
  },
];

/** The second stage of three levels: 39 bits of guest-physical addresses. */
function threeLevels(tables: ScalableTables): ScalableTables {
  const top = 0x22000n;
  for (const entry of [wordOf.ridEntry, wordOf.pasidEntry]) {
    tables.clear(entry, (7n << 2n) | (0xfffffn << 12n)).or(entry, (1n << 2n) | top);
  }
  return tables;
}

/** IR and IW in every second-stage entry on the way to `iova`, in place of R and W. */
function ioRights(tables: ScalableTables): ScalableTables {
  for (const level of [4, 3, 2, 1])
    tables.clear(wordOf.secondStage(level), 3n).or(wordOf.secondStage(level), 3n << 61n);
  return tables;
}

function withoutScalableMode(): Record<string, number> {
  const others = [
    'MTS',
    'SSTS',
    'PRS',
    'SRS',
    'PSS',
    'PASID',
    'SSADS',
    'RPS',
    'RPRIVS',
    'PTRS',
    'SSIRWS',
    'SMTS',
    'SMPWCS',
  ];
  return {
    ...Object.fromEntries(others.map((name) => [`ECAP.${name}`, 0])),
    ...withoutHpt(),
    ...withoutFirstStage(),
  };
}

function withoutDeviceTlb(): Record<string, number> {
  return { 'ECAP.DT': 0, 'ECAP.PRS': 0, 'ECAP.HPTS': 0, 'ECAP.HPT1GPS': 0, 'ECAP.PTRS': 0 };
}

function withoutHpt(): Record<string, number> {
  return { 'ECAP.HPTS': 0, 'ECAP.HPT1GPS': 0 };
}

function withoutFirstStage(): Record<string, number> {
  return { 'ECAP.FSTS': 0, 'ECAP.NEST': 0, 'ECAP.EAFS': 0, 'CAP.FS1GP': 0, 'CAP.FS5LP': 0 };
}

function withoutSnoopedWalks(): Record<string, number> {
  return { 'ECAP.SMPWCS': 0, 'ECAP.SSADS': 0, 'ECAP.EAFS': 0 };
}

/** SPT.3: bits that are always reserved, and bits that are without their capability. */
function reservedInPasidEntry(): ScalableRow[] {
  const always = [
    5,
    10,
    11,
    46,
    63,
    64 + 8,
    80,
    86,
    91,
    95,
    129,
    136,
    139,
    128 + 46,
    191,
    192,
    255,
    259,
    267,
    319,
    320 + 8,
    336,
    511,
  ];
  const rows = always.map(
    (bit): ScalableRow => ({
      condition: 'SPT.3',
      about: `bit ${bit}`,
      type: nested,
      spoil: (tables) => tables.orEntries(Math.floor(bit / 64), 1n << BigInt(bit % 64)),
    }),
  );
  const gated: readonly (readonly [bit: number, name: string, type: bigint, caps: Record<string, number>])[] = [
    [9, 'SSADE', secondStage, { 'ECAP.SSADS': 0 }],
    [2, 'AW', 0n, { 'ECAP.SSTS': 0, 'ECAP.NEST': 0, 'ECAP.SSIRWS': 0 }],
    [12, 'SSPTPTR', 5n, { 'ECAP.SSTS': 0, 'ECAP.NEST': 0, 'ECAP.SSIRWS': 0 }],
    [88, 'PGSNP', firstStage, { 'ECAP.SC': 0 }],
    [89, 'CD', passThrough, { 'ECAP.MTS': 0 }],
    [90, 'EMTE', secondStage, { 'ECAP.MTS': 0 }],
    [96, 'PAT', firstStage, { 'ECAP.MTS': 0 }],
    [128, 'SRE', secondStage, { 'ECAP.SRS': 0, 'ECAP.RPRIVS': 0 }],
    [132, 'WPE', 0n, withoutFirstStage()],
    [135, 'EAFE', firstStage, { 'ECAP.EAFS': 0 }],
  ];
  for (const [bit, name, type, caps] of gated) {
    rows.push({
      condition: 'SPT.3',
      about: `${name} without its capability`,
      type,
      caps,
      spoil: (tables) => tables.orEntries(Math.floor(bit / 64), 1n << BigInt(bit % 64)),
    });
  }
  return [
    ...rows,
    { condition: 'SPT.3', about: 'PWSNP without SMPWCS', caps: withoutSnoopedWalks() },
    { condition: 'SPT.3', about: 'HPTPTR without HPTS', caps: withoutHpt() },
  ];
}
