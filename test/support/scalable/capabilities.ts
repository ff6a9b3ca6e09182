import fc from 'fast-check';
import { capabilityFields, type WorldCapabilities, worldCapabilities } from '../world-capabilities.js';

/** The capabilities of a unit in a random scalable world; they do not contradict each other. */
export interface ScalableCapabilities extends WorldCapabilities {
  readonly fs1gp: boolean;
  readonly fs5lp: boolean;
  readonly mts: boolean;
  readonly fsts: boolean;
  readonly ssts: boolean;
  readonly nest: boolean;
  readonly prs: boolean;
  readonly srs: boolean;
  readonly eafs: boolean;
  readonly pss: number;
  readonly pasid: boolean;
  readonly ssads: boolean;
  readonly smpwcs: boolean;
  readonly rps: boolean;
  readonly rprivs: boolean;
  readonly hpts: boolean;
  readonly hpt1gps: boolean;
  readonly ptrs: boolean;
  readonly ssirws: boolean;
}

const flag = fc.boolean();
const mostly = fc.constantFrom(true, true, true, true, true, false);

/** Shrinks towards a unit that has most of it. */
export const scalableCapabilities: fc.Arbitrary<ScalableCapabilities> = fc
  .record({
    base: worldCapabilities,
    major: fc.constantFrom(5, 1, 6, 8),
    more: fc.record({
      fs1gp: flag,
      fs5lp: flag,
      mts: fc.constant(false),
      fsts: mostly,
      ssts: mostly,
      nest: mostly,
      prs: mostly,
      srs: mostly,
      eafs: flag,
      pss: fc.constantFrom(19, 19, 15, 7, 5, 0),
      pasid: mostly,
      ssads: mostly,
      smpwcs: mostly,
      rps: mostly,
      rprivs: mostly,
      hpts: mostly,
      hpt1gps: flag,
      ptrs: mostly,
      ssirws: flag,
    }),
  })
  .map(({ base, major, more }) => consistent({ ...base, ...more, major }));

/** What cannot be without something else is taken away where that is missing (§11.4.2, §11.4.3). */
function consistent(caps: ScalableCapabilities): ScalableCapabilities {
  const { fsts, ssts, smpwcs, dt, srs, pasid } = caps;
  const hpts = caps.hpts && dt;
  return {
    ...caps,
    // a unit of 5.x without second stage has no widths for it
    sagaw: ssts || caps.major < 6 ? caps.sagaw : 0,
    fs1gp: caps.fs1gp && fsts,
    fs5lp: caps.fs5lp && fsts,
    nest: caps.nest && fsts && ssts,
    prs: caps.prs && dt,
    eafs: caps.eafs && fsts && smpwcs,
    ssads: caps.ssads && smpwcs,
    rprivs: caps.rprivs && srs,
    hpts,
    hpt1gps: caps.hpt1gps && hpts,
    ptrs: caps.ptrs && dt && pasid,
    ssirws: caps.ssirws && ssts,
  };
}

/** The same as fields of VER, CAP and ECAP over the preset `everything`. */
export function scalableFields(caps: ScalableCapabilities): Record<string, number> {
  return {
    ...capabilityFields(caps),
    'CAP.RWBF': 0,
    'CAP.FS1GP': Number(caps.fs1gp),
    'CAP.FS5LP': Number(caps.fs5lp),
    'ECAP.SMTS': 1,
    'ECAP.MTS': Number(caps.mts),
    'ECAP.FSTS': Number(caps.fsts),
    'ECAP.SSTS': Number(caps.ssts),
    'ECAP.NEST': Number(caps.nest),
    'ECAP.PRS': Number(caps.prs),
    'ECAP.SRS': Number(caps.srs),
    'ECAP.EAFS': Number(caps.eafs),
    'ECAP.PSS': caps.pss,
    'ECAP.PASID': Number(caps.pasid),
    'ECAP.SSADS': Number(caps.ssads),
    'ECAP.SMPWCS': Number(caps.smpwcs),
    'ECAP.RPS': Number(caps.rps),
    'ECAP.RPRIVS': Number(caps.rprivs),
    'ECAP.HPTS': Number(caps.hpts),
    'ECAP.HPT1GPS': Number(caps.hpt1gps),
    'ECAP.PTRS': Number(caps.ptrs),
    'ECAP.SSIRWS': Number(caps.ssirws),
  };
}
