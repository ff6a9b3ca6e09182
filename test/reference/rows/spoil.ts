import { page, pagePermission, pasid, pgtt, type ScalableTables, wordOf } from '../scalable-tables.js';
import type { ScalableRow } from './row.js';

export const { firstStage, secondStage, nested, passThrough } = pgtt;
/** RTADDR.TTM. */
export const ttm = (mode: bigint) => mode << 10n;
export const PRE = 1n << 4n;
export const HPTE = 1n << 5n;
export const EPTR = 1n << 6n;
const SSADE = 1n << 9n;
export const A = { first: 1n << 5n, second: 1n << 8n } as const;
export const withPasid = { pasid } as const;
export const translated = { translated: true, iova: page } as const;
export const context = (bits: bigint) => (tables: ScalableTables) => tables.or(wordOf.context, bits);
export const hpt =
  (spoil: (tables: ScalableTables) => ScalableTables): ScalableRow['spoil'] =>
  (tables) =>
    spoil(tables.or(wordOf.context, HPTE));
/** No page in the host permission table. */
export const noPage = (tables: ScalableTables) => tables.clear(pagePermission.word, 0xfn << pagePermission.shift);
export const onlyRight = (right: bigint) =>
  hpt((tables) => noPage(tables).or(pagePermission.word, right << pagePermission.shift));
/** SSADE, on tables whose flags are not set. */
export const accessedDirty = (tables: ScalableTables) => tables.orEntries(0, SSADE);
export const notSnooped = (tables: ScalableTables) => tables.clearEntries(1, 1n << 23n);
/** All flags that a read needs are set in the first stage. */
export const accessed = (tables: ScalableTables) => {
  for (const level of [4, 3, 2, 1]) tables.or(wordOf.firstStage(level), A.first);
  return tables;
};
/** A of the second stage on the way to `iova`. */
export const secondAccessed = (tables: ScalableTables) => {
  for (const level of [4, 3, 2, 1]) tables.or(wordOf.secondStage(level), A.second);
  return tables;
};

/** The second stage of three levels: 39 bits of guest-physical addresses. */
export function threeLevels(tables: ScalableTables): ScalableTables {
  const top = 0x22000n;
  for (const entry of [wordOf.ridEntry, wordOf.pasidEntry]) {
    tables.clear(entry, (7n << 2n) | (0xfffffn << 12n)).or(entry, (1n << 2n) | top);
  }
  return tables;
}

/** IR and IW in every second-stage entry on the way to `iova`, in place of R and W. */
export function ioRights(tables: ScalableTables): ScalableTables {
  for (const level of [4, 3, 2, 1])
    tables.clear(wordOf.secondStage(level), 3n).or(wordOf.secondStage(level), 3n << 61n);
  return tables;
}

export function withoutScalableMode(): Record<string, number> {
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

export function withoutDeviceTlb(): Record<string, number> {
  return { 'ECAP.DT': 0, 'ECAP.PRS': 0, 'ECAP.HPTS': 0, 'ECAP.HPT1GPS': 0, 'ECAP.PTRS': 0 };
}

export function withoutHpt(): Record<string, number> {
  return { 'ECAP.HPTS': 0, 'ECAP.HPT1GPS': 0 };
}

export function withoutFirstStage(): Record<string, number> {
  return { 'ECAP.FSTS': 0, 'ECAP.NEST': 0, 'ECAP.EAFS': 0, 'CAP.FS1GP': 0, 'CAP.FS5LP': 0 };
}

export function withoutSnoopedWalks(): Record<string, number> {
  return { 'ECAP.SMPWCS': 0, 'ECAP.SSADS': 0, 'ECAP.EAFS': 0 };
}
