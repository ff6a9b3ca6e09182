import { wordOf } from '../scalable-tables.js';
import type { ScalableRow } from './row.js';
import { A, accessedDirty, ioRights, nested, notSnooped, secondAccessed, secondStage, ttm } from './spoil.js';

/** faults.md §5: second stage, alone and nested. */
export const secondStageRows: readonly ScalableRow[] = [
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
];
