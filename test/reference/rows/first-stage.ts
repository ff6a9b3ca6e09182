import { wordOf } from '../scalable-tables.js';
import type { ScalableRow } from './row.js';
import { A, accessed, accessedDirty, nested, notSnooped, threeLevels, withoutSnoopedWalks } from './spoil.js';

/** faults.md §5: first stage, alone and nested. */
export const firstStageRows: readonly ScalableRow[] = [
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
];
