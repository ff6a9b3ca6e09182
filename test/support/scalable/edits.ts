import fc from 'fast-check';
import { type ProtectedRegion, protectedRegion } from '../world-switches.js';
import { type StagePages, stagePages } from './spec.js';

/** What becomes of an entry of a stage. */
export type EntryChange =
  /** Taken out, or put back. */
  | { readonly kind: 'clear' }
  | { readonly kind: 'rights'; readonly rights: number; readonly user: boolean }
  /** A, EA and D are cleared: software looks for what is used. */
  | { readonly kind: 'flags' }
  | { readonly kind: 'frame'; readonly page: number };

/** One change that a driver makes while the unit is running. */
export type Edit =
  | { readonly kind: 'map'; readonly stage: number; readonly pages: StagePages }
  /** An entry on the way to a page that is or was mapped, `up` levels above the page's. */
  | { readonly kind: 'entry'; readonly pick: number; readonly up: number; readonly change: EntryChange }
  /** A PASID-table entry becomes that of a space, or is taken out. */
  | { readonly kind: 'space'; readonly device: number; readonly pick: number; readonly space: number | undefined }
  /** A context entry, a directory entry, a half of a root entry is taken out, or put back. */
  | { readonly kind: 'context' | 'root'; readonly device: number }
  | { readonly kind: 'directory'; readonly device: number; readonly pick: number }
  | { readonly kind: 'other root table' | 'translation' | 'abort' }
  | { readonly kind: 'protect'; readonly low: ProtectedRegion | undefined; readonly high: ProtectedRegion | undefined }
  | { readonly kind: 'reset'; readonly warm: boolean };

export interface EditStep {
  readonly edit: Edit;
  /** How much the driver invalidates: only what it must, or more. */
  readonly grain: 'exact' | 'domain' | 'global';
  readonly functionMask: number;
}

const entryChange: fc.Arbitrary<EntryChange> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'clear' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rights' as const), rights: fc.nat(3), user: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'flags' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('frame' as const), page: fc.nat(511) }) },
);

const device = fc.nat(2);

const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('entry' as const),
      pick: fc.nat(100),
      up: fc.constantFrom(0, 0, 0, 1, 2, 4),
      change: entryChange,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('map' as const), stage: fc.nat(4), pages: stagePages }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('space' as const),
      device,
      pick: fc.nat(3),
      space: fc.option(fc.nat(4), { nil: undefined, freq: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('context' as const, 'root'), device }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('directory' as const), device, pick: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('other root table' as const, 'translation', 'abort') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('protect' as const),
      low: fc.option(protectedRegion, { nil: undefined }),
      high: fc.option(protectedRegion, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const), warm: fc.boolean() }) },
);

export const editStep: fc.Arbitrary<EditStep> = fc.record({
  edit,
  grain: fc.constantFrom('exact', 'exact', 'domain', 'domain', 'global'),
  functionMask: fc.constantFrom(0, 0, 1, 2, 3),
});
