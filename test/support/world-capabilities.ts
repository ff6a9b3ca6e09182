import fc from 'fast-check';
import type { ReferenceUnit } from '../reference/index.js';
import { LEGACY_UNIT } from './legacy-unit.js';

/** The capabilities of a unit in a random world; the rest is fixed by {@link capabilityFields}. */
export interface WorldCapabilities {
  readonly haw: number;
  /** Width of guest addresses beyond that of host addresses, as far as 57 or 64 bits go. */
  readonly mgaw: number;
  readonly sagaw: number;
  readonly sslps: number;
  readonly nd: number;
  readonly psi: boolean;
  readonly mamv: number;
  readonly nfr: number;
  readonly cm: boolean;
  readonly zlr: boolean;
  readonly sc: boolean;
  readonly dt: boolean;
  readonly pt: boolean;
  readonly plmr: boolean;
  readonly phmr: boolean;
  readonly adms: boolean;
  readonly ir: boolean;
  readonly esrtps: boolean;
  readonly major: number;
}

const flag = fc.boolean();
const mostly = fc.constantFrom(true, true, true, false);

/** Shrinks towards a plain unit of 48-bit addresses. */
export const worldCapabilities: fc.Arbitrary<WorldCapabilities> = fc
  .record({
    haw: fc.constantFrom(48, 39, 46, 52, 40, 32),
    mgaw: fc.constantFrom(48, 57, 39, 52, 64, 41),
    sagaw: fc.constantFrom(0b0100, 0b1110, 0b1110, 0b0110, 0b0110, 0b0010, 0b1000, 0b1100, 0b1010, 0),
    sslps: fc.constantFrom(3, 0, 1),
    nd: fc.constantFrom(6, 2, 0),
    psi: fc.constantFrom(true, true, true, false),
    mamv: fc.constantFrom(18, 9, 0, 52),
    nfr: fc.constantFrom(0, 1, 7),
    cm: flag,
    zlr: flag,
    sc: flag,
    dt: mostly,
    pt: mostly,
    plmr: flag,
    phmr: flag,
    adms: flag,
    ir: flag,
    esrtps: flag,
    major: fc.constantFrom(1, 5),
  })
  .map((caps) => ({ ...caps, mgaw: Math.max(caps.mgaw, caps.haw) }));

/** The same as fields of VER, CAP and ECAP over the preset `everything`, whose scalable mode goes. */
export function capabilityFields(caps: WorldCapabilities): Record<string, number> {
  return {
    ...LEGACY_UNIT,
    'VER.MAJOR': caps.major,
    'CAP.ND': caps.nd,
    'CAP.PLMR': Number(caps.plmr),
    'CAP.PHMR': Number(caps.phmr),
    'CAP.CM': Number(caps.cm),
    'CAP.SAGAW': caps.sagaw,
    'CAP.MGAW': caps.mgaw - 1,
    'CAP.ZLR': Number(caps.zlr),
    'CAP.FRO': 0x22,
    'CAP.SSLPS': caps.sslps,
    'CAP.PSI': Number(caps.psi),
    'CAP.NFR': caps.nfr,
    'CAP.MAMV': caps.mamv,
    'CAP.ESRTPS': Number(caps.esrtps),
    'CAP.PI': Number(caps.ir),
    'ECAP.DT': Number(caps.dt),
    // what only devices with a device-TLB would notice
    ...{ 'ECAP.NWFS': 0, 'ECAP.DIT': 0, 'ECAP.PDS': 0, 'ECAP.PRS': 0, 'ECAP.SMS': 0 },
    'ECAP.IR': Number(caps.ir),
    'ECAP.EIM': Number(caps.ir),
    'ECAP.MHMV': caps.ir ? 15 : 0,
    'ECAP.PT': Number(caps.pt),
    'ECAP.SC': Number(caps.sc),
    'ECAP.IRO': 0xf,
    'ECAP.ADMS': Number(caps.adms),
  };
}

/** The same as the reference model takes them, of a unit after reset. */
export function referenceUnit(fields: Readonly<Record<string, number>>, haw: number): ReferenceUnit {
  const has = (name: string) => (fields[name] ?? 0) !== 0;
  return {
    mgaw: fields['CAP.MGAW'] + 1,
    haw,
    sagaw: fields['CAP.SAGAW'],
    nd: fields['CAP.ND'],
    zlr: has('CAP.ZLR'),
    sslps: fields['CAP.SSLPS'],
    cm: has('CAP.CM'),
    pt: has('ECAP.PT'),
    dt: has('ECAP.DT'),
    sc: has('ECAP.SC'),
    adms: has('ECAP.ADMS'),
    smts: has('ECAP.SMTS'),
    fs1gp: has('CAP.FS1GP'),
    fs5lp: has('CAP.FS5LP'),
    mts: has('ECAP.MTS'),
    fsts: has('ECAP.FSTS'),
    ssts: has('ECAP.SSTS'),
    nest: has('ECAP.NEST'),
    prs: has('ECAP.PRS'),
    srs: has('ECAP.SRS'),
    eafs: has('ECAP.EAFS'),
    pss: fields['ECAP.PSS'] ?? 0,
    pasid: has('ECAP.PASID'),
    ssads: has('ECAP.SSADS'),
    smpwcs: has('ECAP.SMPWCS'),
    rps: has('ECAP.RPS'),
    rprivs: has('ECAP.RPRIVS'),
    hpts: has('ECAP.HPTS'),
    hpt1gps: has('ECAP.HPT1GPS'),
    ptrs: has('ECAP.PTRS'),
    ir: has('ECAP.IR'),
    major: fields['VER.MAJOR'],
    te: false,
    ire: false,
    ttm: 0,
    ssirwe: false,
    root: 0n,
    protectedRanges: [],
  };
}
