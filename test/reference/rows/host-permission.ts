import { pasid, wordOf } from '../scalable-tables.js';
import type { ScalableRow } from './row.js';
import { EPTR, HPTE, hpt, noPage, onlyRight, translated } from './spoil.js';

/** faults.md §5: host permission table. */
export const hostPermissionRows: readonly ScalableRow[] = [
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
