import fc from 'fast-check';
import {
  type Capabilities,
  type CapabilityName,
  encodeCapabilities,
  makeCapabilities,
} from '../../src/regs/capabilities.js';
import { CAPABILITY_ROWS } from '../../src/regs/capability-rows.js';
import { NOT_MODELLED } from '../../src/regs/modelled.js';
import { presets } from '../../src/regs/presets.js';

/** Capabilities as they are asked for, modelled or not, in contradiction or not. */
export function unchecked(values: Partial<Record<CapabilityName, number>>, haw = 52): Capabilities {
  const all = Object.fromEntries(CAPABILITY_ROWS.map(({ name }) => [name, values[name] ?? 0])) as Record<
    CapabilityName,
    number
  >;
  return {
    values: all,
    haw,
    ...encodeCapabilities(all),
    has: (name) => all[name] !== 0,
    get: (name) => all[name],
  };
}

/** A unit with every register that the architecture has. */
export const COMPLETE = unchecked({
  ...Object.fromEntries(CAPABILITY_ROWS.map(({ name }) => [name, 1])),
  'CAP.FRO': 0x100,
  'CAP.NFR': 255,
  'ECAP.IRO': 0x50,
});

const CHOICES = CAPABILITY_ROWS.filter(({ name }) => !NOT_MODELLED.includes(name)).map(
  ({ name, bits: [high, low] }) => ({
    name,
    most: 2 ** (high - low + 1) - 1,
  }),
);

/** Any capabilities that a unit can be given. */
export const anyCapabilities: fc.Arbitrary<Capabilities> = fc
  .tuple(
    fc.record(Object.fromEntries(CHOICES.map(({ name, most }) => [name, fc.integer({ min: 0, max: most })]))),
    fc.integer({ min: 32, max: 52 }),
    fc.boolean(),
  )
  .map(([values, haw, adds]) => {
    const override = repaired(values as Partial<Record<CapabilityName, number>>, adds);
    try {
      return makeCapabilities({ ...presets.everything, haw, override });
    } catch {
      // FRO and IRO happened to collide: any place behind the last of the fixed registers is free
      return makeCapabilities({
        ...presets.everything,
        haw,
        override: { ...override, 'CAP.FRO': 0x300, 'ECAP.IRO': 0x2ff },
      });
    }
  });

/**
 * Near values that contradict nothing but perhaps each other's places.
 *
 * @param adds - what a capability needs is added where it is missing, or else the capability goes
 */
function repaired(
  values: Partial<Record<CapabilityName, number>>,
  adds: boolean,
): Partial<Record<CapabilityName, number>> {
  const fixed = {
    ...values,
    'VER.MAJOR': Math.max(values['VER.MAJOR'] as number, 1),
    'CAP.ND': Math.min(values['CAP.ND'] as number, 6),
    'CAP.SAGAW': (values['CAP.SAGAW'] as number) & 0xe,
    'CAP.SSLPS': [0, 1, 3][(values['CAP.SSLPS'] as number) % 3] as number,
    'CAP.MGAW': Math.max(values['CAP.MGAW'] as number, 51),
    'ECAP.ERS': 0,
  };
  if (fixed['VER.MAJOR'] >= 2) Object.assign(fixed, { 'CAP.DRD': 1, 'CAP.DWD': 1 });
  const chosen: Partial<Record<CapabilityName, number>> = fixed;
  // what is added may need more, what goes may have been needed by rows before it
  for (let goesOn = true; goesOn; ) {
    goesOn = false;
    for (const { name, needs = [] } of CAPABILITY_ROWS) {
      const missing = chosen[name] ? needs.filter((other) => !chosen[other]) : [];
      if (missing.length === 0) continue;
      if (adds && !missing.some((other) => NOT_MODELLED.includes(other)))
        for (const other of missing) chosen[other] = 1;
      else chosen[name] = 0;
      goesOn = true;
    }
  }
  if (chosen['ECAP.SMTS'] === 1) chosen['CAP.RWBF'] = 0;
  return chosen;
}
