import fc from 'fast-check';
import type { InvalidationStyle } from './invalidator.js';
import type { WorldSpec } from './world.js';

export const invalidationStyle: fc.Arbitrary<InvalidationStyle> = fc.record({
  queue: fc.boolean(),
  wide: fc.boolean(),
  pending: fc.constantFrom(false, false, true),
  interrupt: fc.boolean(),
});

/** The style as far as the unit of a world can serve it: wide descriptors need abort-DMA mode. */
export function styleFor({ caps }: WorldSpec, style: InvalidationStyle): InvalidationStyle {
  return { ...style, wide: style.wide && caps.adms };
}
