import type { CapabilityName } from './capability-rows.js';

/**
 * Capabilities that a unit cannot be given yet: choosing one is refused, rather than advertised to the guest without the
 * behaviour behind it. Their registers have rows already.
 */
export const NOT_MODELLED: readonly CapabilityName[] = [
  'CAP.AFL',
  'CAP.ECMDS',
  'ECAP.MTS',
  'ECAP.VCS',
  'ECAP.TDXCS',
  'ECAP.PMS',
  'ECAP.RDTS',
];
