import type { StatePart } from '../state/state-part.js';
import { CONDITIONS } from '../walk/conditions.js';
import type { CachePolicy } from './policy.js';

const SETTINGS = [
  'iotlbEntries',
  'contexts',
  'pasids',
  'interruptEntries',
  'keepAll',
  'notPresent',
] as const satisfies (keyof CachePolicy)[];

/** The caches' geometry and policy: their contents fit only caches that are alike, and name conditions by their numbers. */
export function policyState(policy: CachePolicy): StatePart {
  return {
    save(to) {
      for (const setting of SETTINGS) to.word(policy[setting]);
      for (const { name } of CONDITIONS) to.text(name);
    },
    load(from) {
      for (const setting of SETTINGS) {
        const here = Number(policy[setting]);
        const there = from.word() >>> 0;
        if (there === here) continue;
        throw from.refusal(
          `caches.${setting} is ${there} there and ${here} here`,
          'make the unit with the same caches',
        );
      }
      for (const { name } of CONDITIONS) {
        if (from.text() !== name) throw from.refusal(`another condition stands in the place of ${name}`);
      }
      return () => undefined;
    },
  };
}
