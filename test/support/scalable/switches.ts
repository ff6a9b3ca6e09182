import type fc from 'fast-check';
import { protect, type Switches, switches } from '../world-switches.js';
import type { ScalableWorld } from './world.js';

/** As for legacy mode, with scalable mode as the usual one. */
export const scalableSwitches: fc.Arbitrary<Switches> = switches.map((each) => ({
  ...each,
  mode: [1, 0, 2, 3][each.mode] ?? 1,
}));

export function switchOnScalable(world: ScalableWorld, { translation, mode, rooted, ...more }: Switches): void {
  const { driver, builder, spec } = world;
  const { interruptRemapping, low, high } = more;
  driver.setRoot(rooted ? builder.root : 0x7_0000, mode, spec.ioRights ? 0x80n : 0n);
  protect(driver, spec.caps, low, high);
  if (interruptRemapping && spec.caps.ir) driver.remapInterrupts(true);
  if (translation) driver.translate(true);
}
