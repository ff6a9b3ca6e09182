import fc from 'fast-check';
import { type PagesSpec, pagesSpec } from './world.js';
import { type TargetPlace, targetPlace } from './world-places.js';
import { type ProtectedRegion, protectedRegion } from './world-switches.js';

/** What becomes of an entry of paging tables. */
export type EntryChange =
  /** Taken out, or put back. */
  | { readonly kind: 'clear' }
  | { readonly kind: 'rights'; readonly rights: number }
  | { readonly kind: 'target'; readonly target: TargetPlace }
  | { readonly kind: 'flip'; readonly bit: number };

/** One change that a driver makes while the unit is running. */
export type Edit =
  | { readonly kind: 'map'; readonly tree: number; readonly pages: PagesSpec }
  /** An entry on the way to a page that is or was mapped, `up` levels above the page's. */
  | { readonly kind: 'entry'; readonly pick: number; readonly up: number; readonly change: EntryChange }
  | {
      readonly kind: 'attach';
      readonly device: number;
      readonly domain: number;
      readonly type: number;
      readonly faultsDisabled: boolean;
      readonly present: boolean;
    }
  | { readonly kind: 'detach'; readonly device: number }
  /** The root entry of a device's bus is taken out, or put back. */
  | { readonly kind: 'root'; readonly device: number }
  | { readonly kind: 'other root table' }
  | { readonly kind: 'translation' }
  | { readonly kind: 'interrupt remapping' }
  | { readonly kind: 'protect'; readonly low: ProtectedRegion | undefined; readonly high: ProtectedRegion | undefined }
  | { readonly kind: 'reset'; readonly warm: boolean };

/** How much the driver invalidates: only what it must, or more. */
type Grain = 'exact' | 'domain' | 'global';

export interface EditStep {
  readonly edit: Edit;
  readonly grain: Grain;
  readonly functionMask: number;
  /** Whether the domain that a device comes into is invalidated too, as Linux does. */
  readonly newDomain: boolean;
}

const entryChange: fc.Arbitrary<EntryChange> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'clear' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rights' as const), rights: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('target' as const), target: targetPlace }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('flip' as const), bit: fc.nat(63) }) },
);

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
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('map' as const), tree: fc.nat(2), pages: pagesSpec }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('attach' as const),
      device: fc.nat(3),
      domain: fc.nat(2),
      type: fc.constantFrom(0, 0, 0, 1, 2, 3),
      faultsDisabled: fc.boolean(),
      present: fc.constantFrom(true, true, true, true, false),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('detach' as const), device: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('root' as const), device: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'other root table' as const }) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'translation' as const }, { kind: 'interrupt remapping' as const }) },
  {
    weight: 3,
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
  newDomain: fc.boolean(),
});
