import type { StatePart } from '../state/state-part.js';
import type { Capabilities } from './capabilities.js';
import { CAPABILITY_ROWS } from './capability-rows.js';

/** What a unit can do is no state, but it has to be the same where a state is restored: registers and caches go by it. */
export function capabilityState(capabilities: Capabilities): StatePart {
  const values = [
    ...CAPABILITY_ROWS.map(({ name }) => [name, capabilities.get(name)] as const),
    ['the host address width', capabilities.haw] as const,
  ];
  return {
    save(to) {
      for (const [, value] of values) to.word(value);
    },
    load(from) {
      for (const [name, here] of values) {
        const there = from.word() >>> 0;
        if (there === here) continue;
        throw from.refusal(
          `${name} is ${there} there and ${here} here`,
          'make the unit with the capabilities of that one',
        );
      }
      return () => undefined;
    },
  };
}
