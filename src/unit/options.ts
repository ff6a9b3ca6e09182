import type { CachePolicy, CachePolicyName } from '../caches/policy.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { CapabilityName } from '../regs/capabilities.js';
import type { PresetName } from '../regs/presets.js';

/** What a unit is made of. */
export interface IntelIommuOptions {
  /** The machine's memory: where the tables stand and where DMA goes. */
  readonly memory: GuestMemory;
  /** The hardware to be: a preset's name, or CAP, ECAP and VER as they are read. Default `qemu-11.1`. */
  readonly preset?: PresetName | CapabilityValues;
  /** Single capabilities over the preset, e.g. `{ 'CAP.CM': 1 }`. */
  readonly capabilities?: Partial<Record<CapabilityName, number>>;
  /** Host address width in bits, 32 to 52; default the preset's. */
  readonly hostAddressWidth?: number;
  /** What the caches hold: `default`, `none`, `hold` (all that the architecture allows), or single settings. */
  readonly caches?: CachePolicyName | Partial<CachePolicy>;
  /** Invalidations stay pending until `step()`, so that a driver's polling and its races can be tested. */
  readonly pending?: boolean;
  /**
   * All walks are snooped, whatever ECAP.SMPWCS and PWSNP say: flags can be set where the architecture has the request
   * fault. As QEMU does it. Default `false`.
   */
  readonly coherentWalks?: boolean;
  /** Most entries that one replay looks at, so that tables which point to themselves end. Default 2^26. */
  readonly replayLimit?: number;
}

/** A unit's capability registers. */
export interface CapabilityValues {
  readonly cap: bigint;
  readonly ecap: bigint;
  /** VER; default 0x10. */
  readonly version?: number;
  readonly haw: number;
}
