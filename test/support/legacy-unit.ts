import { CAPABILITY_ROWS, type CapabilityName } from '../../src/regs/capability-rows.js';

/** What scalable mode brings: itself, its stages (SSTS has no row that says so), and all that needs one of these. */
const SCALABLE = new Set<CapabilityName>(['ECAP.SMTS', 'ECAP.SSTS']);
for (let known = 0; known < SCALABLE.size; ) {
  known = SCALABLE.size;
  for (const { name, needs = [] } of CAPABILITY_ROWS)
    if (needs.some((other) => SCALABLE.has(other))) SCALABLE.add(name);
}

/** Fields that make a unit of legacy mode out of any preset. */
export const LEGACY_UNIT = Object.fromEntries([...SCALABLE].map((name) => [name, 0])) as Partial<
  Record<CapabilityName, number>
>;
