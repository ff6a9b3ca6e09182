import { fieldMask } from '../rows.js';
import { encodeCapabilities } from './capabilities.js';
import { CAPABILITY_ROWS, type CapabilityName, type CapabilityRegister, rowsOf } from './capability-rows.js';
import { NOT_MODELLED } from './modelled.js';
import { type QemuVersion, qemuCapabilities } from './qemu-options.js';

export { qemuCapabilities } from './qemu-options.js';

/** The capabilities of a known unit. */
export interface Preset {
  /** One line: which unit it is. */
  readonly about: string;
  /** Where the values come from. */
  readonly source: string;
  /** The VER, CAP and ECAP registers. */
  readonly version: number;
  readonly cap: bigint;
  readonly ecap: bigint;
  /** Host address width in bits. */
  readonly haw: number;
}

/** What is not modelled yet, and what needs that. */
function missingCapabilities(): Set<CapabilityName> {
  const missing = new Set<CapabilityName>(NOT_MODELLED);
  for (let known = 0; known < missing.size; ) {
    known = missing.size;
    for (const { name, needs = [] } of CAPABILITY_ROWS)
      if (needs.some((other) => missing.has(other))) missing.add(name);
  }
  return missing;
}

/** A unit as its registers show it, but for what is not modelled yet: that is left out, and `source` says so. */
function hardware(about: string, source: string, version: number, cap: bigint, ecap: bigint, haw: number): Preset {
  const missing = missingCapabilities();
  const leftOut: string[] = [];
  const without = (register: CapabilityRegister, word: bigint) => {
    const rows = rowsOf(register).filter(({ name, bits }) => missing.has(name) && (word & fieldMask(bits)) !== 0n);
    leftOut.push(...rows.map(({ name }) => name));
    return rows.reduce((rest, { bits }) => rest & ~fieldMask(bits), word);
  };
  const registers = { version, cap: without('CAP', cap), ecap: without('ECAP', ecap), haw };
  return { about, source: leftOut.length === 0 ? source : `${source}, without ${leftOut.join(', ')}`, ...registers };
}

function qemu(version: QemuVersion): Preset {
  return {
    about: `QEMU ${version}, intel-iommu with 48-bit addresses`,
    source: `registers of qemu-system-x86_64 ${version} -device intel-iommu,aw-bits=48`,
    ...qemuCapabilities(version, { 'aw-bits': 48 }),
  };
}

/**
 * Capabilities by name, to be given to a unit as they are or with fields of them set otherwise. `everything` is the
 * richest unit that is modelled.
 *
 * @example
 * makeCapabilities({ ...presets['qemu-11.1'], override: { 'CAP.CM': 1 } });
 */
export const presets = {
  'qemu-11.1': qemu('11.1'),
  'qemu-7.2': qemu('7.2'),
  haswell: hardware(
    'Intel Core of the 4th generation (Haswell, 2013), the unit of all but graphics: 4 KiB pages only, not coherent',
    'Linux boot log of a Core i7-4600U: ver 1:0 cap d2008020660462 ecap f010da',
    0x10,
    0xd2_0080_2066_0462n,
    0xf0_10dan,
    39,
  ),
  skylake: hardware(
    'Intel Core of the 6th generation and later (Skylake, 2015), the unit of all but graphics',
    'Linux boot logs of the 6th to the 11th generation: ver 1:0 cap d2008c40660462 ecap f050da',
    0x10,
    0xd2_008c_4066_0462n,
    0xf0_50dan,
    39,
  ),
  'broadwell-ep': hardware(
    'Intel Xeon E5 v4 (Broadwell-EP, 2016): coherent, device-TLBs, 8 fault records',
    'Linux boot logs of Xeon E5 systems: ver 1:0 cap 8d2078c106f0466 ecap f020df',
    0x10,
    0x8d2_078c_106f_0466n,
    0xf0_20dfn,
    46,
  ),
  'sapphire-rapids': hardware(
    'Intel Xeon of the 4th generation (Sapphire Rapids, 2023): scalable mode with nested translation and coherent' +
      ' walks, as firmware has set it without requests with PASID',
    'Linux boot log of an M50FCP server board: ver 6:0 cap 19ed008c40780c66 ecap 3ee9e86f050df',
    0x60,
    0x19ed_008c_4078_0c66n,
    0x3_ee9e_86f0_50dfn,
    52,
  ),
  'granite-rapids': hardware(
    'Intel Xeon 6 (Granite Rapids, 2024): as sapphire-rapids, with requests with PASID, RID_PRIV and abort-DMA mode',
    'Linux boot log of a Xeon 6515P: ver 7:0 cap f9ed008cee780c66 ecap 3fef9ea6f0efdf',
    0x70,
    0xf9ed_008c_ee78_0c66n,
    0x3f_ef9e_a6f0_efdfn,
    52,
  ),
  'meteor-lake': hardware(
    'Intel Core Ultra (Meteor Lake, 2023), the unit of all but graphics: scalable mode with first and second stages,' +
      ' without nested translation, walks not coherent',
    'Linux boot logs: ver 7:0 cap c9de008cee690462 ecap 12ca9a00f0efde',
    0x70,
    0xc9de_008c_ee69_0462n,
    0x12_ca9a_00f0_efden,
    42,
  ),
  everything: {
    about: 'all that is modelled, in legacy and in scalable mode',
    source: 'made for this model',
    haw: 52,
    ...encodeCapabilities({
      'VER.MAJOR': 5,
      'CAP.ND': 6,
      'CAP.PLMR': 1,
      'CAP.PHMR': 1,
      'CAP.SAGAW': 0b1110,
      'CAP.MGAW': 56,
      'CAP.ZLR': 1,
      'CAP.FRO': 0x100,
      'CAP.SSLPS': 3,
      'CAP.PSI': 1,
      'CAP.NFR': 255,
      'CAP.MAMV': 52,
      'CAP.DWD': 1,
      'CAP.DRD': 1,
      'CAP.PI': 1,
      'CAP.ESIRTPS': 1,
      'CAP.ESRTPS': 1,
      'ECAP.C': 1,
      'ECAP.QI': 1,
      'ECAP.DT': 1,
      'ECAP.IR': 1,
      'ECAP.EIM': 1,
      'ECAP.PT': 1,
      'ECAP.SC': 1,
      'ECAP.IRO': 0xf,
      'ECAP.MHMV': 15,
      'ECAP.ADMS': 1,
      'CAP.FS1GP': 1,
      'CAP.FS5LP': 1,
      'ECAP.NEST': 1,
      'ECAP.SRS': 1,
      'ECAP.EAFS': 1,
      'ECAP.PSS': 19,
      'ECAP.PASID': 1,
      'ECAP.SMTS': 1,
      'ECAP.SSADS': 1,
      'ECAP.SSTS': 1,
      'ECAP.FSTS': 1,
      'ECAP.SMPWCS': 1,
      'ECAP.RPS': 1,
      'ECAP.RPRIVS': 1,
      'ECAP.HPTS': 1,
      'ECAP.PTRS': 1,
      'ECAP.SSIRWS': 1,
      'ECAP.HPT1GPS': 1,
      'ECAP.NWFS': 1,
      'ECAP.PRS': 1,
      'ECAP.PDS': 1,
      'ECAP.DIT': 1,
      'ECAP.SMS': 1,
    }),
  },
} as const satisfies Readonly<Record<string, Preset>>;

/** Name of a preset. */
export type PresetName = keyof typeof presets;
