import { iova, wordOf } from '../scalable-tables.js';
import type { ScalableRow } from './row.js';
import { context, firstStage, HPTE, nested, passThrough, secondStage, withPasid } from './spoil.js';

/** faults.md §5: general conditions. */
export const generalRows: readonly ScalableRow[] = [
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
];
