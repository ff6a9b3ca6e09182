import type { CapabilityName } from './capability-rows.js';

/**
 * Capabilities that a unit cannot be given yet: choosing one is refused, rather than advertised to the guest without the
 * behaviour behind it. Their registers have rows already.
 */
export const NOT_MODELLED: readonly CapabilityName[] = [
  'CAP.AFL',
  'CAP.FS1GP',
  'CAP.FS5LP',
  'CAP.ECMDS',
  'ECAP.MTS',
  'ECAP.NEST',
  'ECAP.PRS',
  'ECAP.SRS',
  'ECAP.NWFS',
  'ECAP.EAFS',
  'ECAP.PSS',
  'ECAP.PASID',
  'ECAP.DIT',
  'ECAP.PDS',
  'ECAP.SMTS',
  'ECAP.VCS',
  'ECAP.SSADS',
  'ECAP.SSTS',
  'ECAP.FSTS',
  'ECAP.SMPWCS',
  'ECAP.RPS',
  'ECAP.TDXCS',
  'ECAP.PMS',
  'ECAP.RPRIVS',
  'ECAP.HPTS',
  'ECAP.PTRS',
  'ECAP.SSIRWS',
  'ECAP.SMS',
  'ECAP.HPT1GPS',
  'ECAP.RDTS',
];
