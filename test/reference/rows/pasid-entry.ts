import { wordOf } from '../scalable-tables.js';
import type { ScalableRow } from './row.js';
import {
  firstStage,
  hpt,
  nested,
  passThrough,
  secondStage,
  translated,
  withoutFirstStage,
  withoutHpt,
  withoutSnoopedWalks,
  withPasid,
} from './spoil.js';

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

/** faults.md §4: PASID directory and table. */
export const pasidRows: readonly ScalableRow[] = [
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
];
