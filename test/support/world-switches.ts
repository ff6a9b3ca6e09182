import fc from 'fast-check';
import type { Driver } from './driver.js';
import type { World } from './world.js';
import type { WorldCapabilities } from './world-capabilities.js';

/** A protected region, in granules of 2 MiB from its base. */
export interface ProtectedRegion {
  readonly near: 'data' | 'high' | 'interrupts' | 'everything';
  /** Below 0 the region is empty. */
  readonly granules: number;
}

/** What a driver switches on once its tables are made. */
export interface Switches {
  readonly translation: boolean;
  /** RTADDR.TTM. */
  readonly mode: number;
  /** Whether RTADDR points to the root table, or to where nothing is. */
  readonly rooted: boolean;
  readonly interruptRemapping: boolean;
  readonly low: ProtectedRegion | undefined;
  readonly high: ProtectedRegion | undefined;
}

export const protectedRegion: fc.Arbitrary<ProtectedRegion> = fc.record({
  near: fc.constantFrom('data', 'high', 'interrupts', 'everything'),
  granules: fc.constantFrom(0, 1, 3, 300, -1),
});

function mostly<T>(usual: T, times: number, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: times, arbitrary: fc.constant(usual) },
    { weight: others.length, arbitrary: fc.constantFrom(...others) },
  );
}

const rarely = fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: protectedRegion });

export const switches: fc.Arbitrary<Switches> = fc.record({
  translation: mostly(true, 9, false),
  mode: mostly(0, 24, 1, 2, 3),
  rooted: mostly(true, 24, false),
  interruptRemapping: fc.boolean(),
  low: rarely,
  high: rarely,
});

const PMEN = 0x64;
const PLMBASE = 0x68;
const PLMLIMIT = 0x6c;
const PHMBASE = 0x70;
const PHMLIMIT = 0x78;
const GRANULE = 0x20_0000;

export function switchOn({ driver, ...world }: World, { translation, mode, rooted, ...more }: Switches): void {
  const { interruptRemapping, low, high } = more;
  driver.setRoot(rooted ? driver.tables.root : 0x7_0000, mode);
  protect(driver, world.spec.caps, low, high);
  if (interruptRemapping && world.spec.caps.ir) driver.remapInterrupts(true);
  if (translation) driver.translate(true);
}

/** Programs the protected regions and enables them, if there are any. */
export function protect(
  driver: Driver,
  caps: WorldCapabilities,
  low: ProtectedRegion | undefined,
  high: ProtectedRegion | undefined,
): void {
  if (low !== undefined) {
    const base = low.near === 'interrupts' ? 0xfee0_0000 : low.near === 'data' ? 0x80_0000 : 0;
    driver.write32(PLMBASE, base);
    driver.write32(PLMLIMIT, Math.min(limitOf(base, low), 0xffe0_0000));
  }
  if (high !== undefined) {
    const base = high.near === 'high' ? 2 ** (caps.haw - 1) : high.near === 'data' ? 0xa0_0000 : 0x1_0000_0000;
    driver.write64(PHMBASE, BigInt(base));
    driver.write64(PHMLIMIT, BigInt(limitOf(base, high)));
  }
  if (low !== undefined || high !== undefined) driver.write32(PMEN, 0x8000_0000);
}

export function stopProtecting(driver: Driver): void {
  driver.write32(PMEN, 0);
}

function limitOf(base: number, { near, granules }: ProtectedRegion): number {
  if (near === 'everything') return base + 0x7fe0_0000;
  return Math.max(base + granules * GRANULE, 0);
}
