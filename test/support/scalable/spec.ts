import fc from 'fast-check';
import { type PagesSpec, pagesSpec } from '../world.js';
import type { LAYOUTS } from '../world-places.js';
import { type ScalableCapabilities, scalableCapabilities } from './capabilities.js';
import { type AimedDamage, aimedDamage } from './damage.js';

/** How many of the flags of entries a driver sets beforehand. */
type PresetFlags = 'none' | 'accessed' | 'all';

/** Pages of a stage. */
export interface StagePages extends PagesSpec {
  /** U/S of a first-stage page, and of tables that are made for it. */
  readonly user: boolean;
  readonly userTables: boolean;
}

export interface StageSpec {
  readonly levels: number;
  readonly pages: readonly StagePages[];
  readonly flags: PresetFlags;
  /** EAFE of all that use a first stage; SSADE of all that use a second stage (§6.2.3.1). */
  readonly flagsEnabled: boolean;
}

/** A second stage also maps where tables stand, so that a first stage can be nested in it. */
export interface SecondStageSpec extends StageSpec {
  /** Table pages that grant less, or other host pages than they are: every so many. */
  readonly window: 'writable' | 'read-only' | 'some read-only' | 'some write-only' | 'none';
}

/** An address space: what a PASID-table entry says. */
export interface SpaceSpec {
  readonly type: number;
  readonly first: number;
  readonly second: number;
  readonly snooped: boolean;
  readonly pageSnoop: boolean;
  readonly supervisors: boolean;
  readonly writeProtect: boolean;
  readonly faultsDisabled: boolean;
  readonly present: boolean;
}

export interface DeviceSpec {
  readonly sourceId: number;
  readonly present: boolean;
  readonly faultsDisabled: boolean;
  readonly translatedRequests: boolean;
  readonly pasids: boolean;
  readonly translatedPasids: boolean;
  readonly pageRequests: boolean;
  readonly hostPermissions: boolean;
  readonly directorySize: number;
  /** Which of the spaces requests without PASID use, and by which PASID. */
  readonly ridPasid: number;
  readonly ridSpace: number;
  readonly ridSupervisor: boolean;
  readonly spaces: readonly { readonly pasid: number; readonly space: number }[];
  /** Uses the PASID directory of the device before it. */
  readonly shared: boolean;
}

/** A random world in scalable mode: what the unit can do, devices, address spaces, stages, and what is wrong with them. */
export interface ScalableSpec {
  readonly caps: ScalableCapabilities;
  readonly layout: (typeof LAYOUTS)[number];
  readonly devices: readonly DeviceSpec[];
  readonly spaces: readonly SpaceSpec[];
  readonly firstStages: readonly StageSpec[];
  readonly secondStages: readonly SecondStageSpec[];
  /** RTADDR.SSIRWE, where the unit has it. */
  readonly ioRights: boolean;
  readonly damages: readonly AimedDamage[];
}

const usually = fc.constantFrom(true, true, true, true, true, true, true, false);
const nearlyAlways = fc.nat(23).map((value) => value !== 23);
const rarely = usually.map((value) => !value);

export const stagePages: fc.Arbitrary<StagePages> = fc
  .record({ pages: pagesSpec, user: usually, userTables: usually })
  .map(({ pages, ...more }) => ({ ...pages, ...more }));

const pages = fc.array(stagePages, { maxLength: 5 });
const flags = fc.constantFrom<PresetFlags[]>('none', 'none', 'accessed', 'all');

/** PASIDs in the first and in a later entry of the directory, first and last of a table, and beyond small directories. */
const pasid = fc.constantFrom(1, 5, 63, 64, 1, 5, 63, 64, 0, 2, 0x1fff, 0x2000, 0xf_ffff);

const space: fc.Arbitrary<SpaceSpec> = fc.record({
  type: fc.constantFrom(1, 1, 1, 2, 2, 3, 3, 3, 4),
  first: fc.nat(2),
  second: fc.nat(1),
  snooped: usually,
  pageSnoop: fc.boolean(),
  supervisors: usually,
  writeProtect: fc.boolean(),
  faultsDisabled: fc.constantFrom(false, false, false, true),
  present: nearlyAlways,
});

/** Functions in the lower and in the upper half of their bus, on several buses, also the last. */
const sourceId = fc.constantFrom(0x0010, 0x0098, 0x0020, 0x00a1, 0x0100, 0x02f8, 0xffff);

const device: fc.Arbitrary<DeviceSpec> = fc.record({
  sourceId,
  present: nearlyAlways,
  faultsDisabled: fc.constantFrom(false, false, false, true),
  translatedRequests: usually,
  pasids: nearlyAlways,
  translatedPasids: fc.boolean(),
  pageRequests: rarely,
  hostPermissions: fc.constantFrom(true, false, false),
  directorySize: fc.constantFrom(0, 1, 2),
  ridPasid: fc.constantFrom(0, 2, 0x41),
  ridSpace: fc.nat(4),
  ridSupervisor: rarely,
  spaces: fc.uniqueArray(fc.record({ pasid, space: fc.nat(4) }), { maxLength: 3, selector: (each) => each.pasid }),
  shared: rarely,
});

export function scalableSpec({ damaged }: { readonly damaged: boolean }): fc.Arbitrary<ScalableSpec> {
  return fc
    .record({
      caps: scalableCapabilities,
      layout: fc.constantFrom<ScalableSpec['layout'][]>('low', 'handler', 'low', 'handler', 'top'),
      devices: fc.uniqueArray(device, { minLength: 1, maxLength: 3, selector: (each) => each.sourceId }),
      spaces: fc.array(space, { minLength: 1, maxLength: 4 }),
      firstStages: fc.array(fc.record({ levels: fc.constantFrom(4, 4, 5), pages, flags, flagsEnabled: fc.boolean() }), {
        minLength: 1,
        maxLength: 3,
      }),
      secondStages: fc.array(
        fc.record({
          levels: fc.constantFrom(4, 4, 3, 5),
          pages,
          flags,
          flagsEnabled: fc.boolean(),
          window: fc.constantFrom<SecondStageSpec['window'][]>(
            'writable',
            'writable',
            'writable',
            'writable',
            'some read-only',
            'some write-only',
            'read-only',
            'none',
          ),
        }),
        { minLength: 1, maxLength: 2 },
      ),
      ioRights: rarely,
      damages: damaged
        ? fc.oneof(
            { weight: 1, arbitrary: fc.constant([]) },
            { weight: 4, arbitrary: fc.array(aimedDamage, { minLength: 1, maxLength: 4 }) },
          )
        : fc.constant([]),
    })
    .map(supported);
}

/** Most worlds are not to be about what the unit does not have: damages are. */
function supported(spec: ScalableSpec): ScalableSpec {
  const { caps } = spec;
  const has = (type: number) =>
    [false, caps.fsts, caps.ssts && caps.sagaw !== 0, caps.nest && caps.sagaw !== 0, caps.pt][type];
  return {
    ...spec,
    ioRights: spec.ioRights && caps.ssirws,
    spaces: spec.spaces.map((each) => ({ ...each, type: [each.type, 1, 2, 4].find(has) ?? each.type })),
    firstStages: spec.firstStages.map((each) => ({ ...each, levels: caps.fs5lp ? each.levels : 4 })),
    secondStages: spec.secondStages.map((each) => ({
      ...each,
      levels: [each.levels, 4, 3, 5].find((levels) => ((caps.sagaw >> (levels - 2)) & 1) === 1) ?? each.levels,
    })),
    devices: spec.devices.map((each) => ({
      ...each,
      ridPasid: caps.rps ? each.ridPasid : 0,
      spaces: each.spaces.filter(({ pasid: number }) => number !== (caps.rps ? each.ridPasid : 0)),
    })),
  };
}
