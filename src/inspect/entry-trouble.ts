import { address64 } from '../faults/fault.js';
import type { Capabilities, CapabilityName } from '../regs/capabilities.js';
import type { DecodedField } from '../tables/entry-format.js';
import { HOST_PERMISSION_ENTRIES } from '../tables/host-permission.js';
import { CONDITIONS } from '../walk/conditions.js';
import { guestWidth } from '../walk/guest-width.js';
import { permissionIndex } from '../walk/host-permissions.js';
import { rightsText } from '../walk/rights.js';
import { hex } from './spelling.js';
import type { Trace } from './trace.js';

/** The last entry that a request met. */
interface LastEntry {
  readonly trace: Trace;
  readonly capabilities: Capabilities;
  /** A field of it by name; 0 if the entry has no such field. */
  field(name: string): number;
}

type Telling = (entry: LastEntry) => string;

const NOT_PRESENT: Telling = () => 'not present: P=0';

/** AW of a context or PASID entry. */
const WIDTH: Telling = ({ field, capabilities }) => {
  const offered = [1, 2, 3].filter((width) => (capabilities.get('CAP.SAGAW') >> width) & 1);
  const widths = offered.map((width) => `${width} (${30 + 9 * width} bits)`).join(', ');
  return `AW=${field('AW')}: CAP.SAGAW offers ${widths === '' ? 'none' : widths}`;
};

const MOST_PASID: Telling = ({ field }) =>
  `PDTS=${field('PDTS')} has PASIDs up to ${hex(2 ** (field('PDTS') + 13) - 1)}`;

const NO_PERMISSION: Telling = ({ trace }) => permissionText(trace, trace.reads.length - 1);

/**
 * What is wrong with the last entry that a request met, by the condition; those that concern no entry, or every entry
 * that lacks a right or a flag, and reserved bits, are told elsewhere.
 */
const TELLINGS: Readonly<Record<string, Telling>> = {
  'LRT.2': NOT_PRESENT,
  'LCT.2': NOT_PRESENT,
  'LCT.4.1': WIDTH,
  'LCT.4.2': ({ field }) => unsupported('TT', field('TT'), { 1: 'ECAP.DT', 2: 'ECAP.PT' }),
  'LCT.5': ({ field }) => `TT=${field('TT')}: translated requests need TT=1`,
  'SRT.1': () => 'the other half cannot be read',
  'SRT.2': NOT_PRESENT,
  'SCT.2': NOT_PRESENT,
  'SCT.4.1': () => 'PRE=1 needs DTE=1',
  'SCT.4.2': (entry) => `RID_PASID=${hex(entry.field('RID_PASID'))}: ${MOST_PASID(entry)}`,
  'SCT.4.3': () => 'EPTR=1 needs PASIDE=1',
  'SCT.5': () => 'DTE=0: translated requests need DTE=1',
  'SCT.6': () => 'PASIDE=0: requests with PASID need PASIDE=1',
  'SCT.7': MOST_PASID,
  'SCT.9': ({ field }) => `RID_PASID=${hex(field('RID_PASID'))}: no request may carry it`,
  'SCT.10': () => 'EPTR=0: translated requests with PASID need EPTR=1',
  'SPD.2': NOT_PRESENT,
  'SPT.2': NOT_PRESENT,
  'SPT.4.1': WIDTH,
  'SPT.4.2': ({ field }) => {
    return unsupported('PGTT', field('PGTT'), { 1: 'ECAP.FSTS', 2: 'ECAP.SSTS', 3: 'ECAP.NEST', 4: 'ECAP.PT' });
  },
  'SPT.4.3': ({ field }) => unsupported('FSPM', field('FSPM'), { 1: 'CAP.FS5LP' }),
  'SPT.4.4': ({ field, capabilities }) =>
    `FSPTPTR=${hex(field('FSPTPTR'))}: ${guestAddresses(guestWidth(capabilities, field('AW') + 2))}`,
  'SPT.6': () => 'SRE=0: supervisor requests need SRE=1',
  'SPT.9': ({ field }) => `HPTSZ=${field('HPTSZ')}: addresses have ${49 + field('HPTSZ')} bits`,
  'SFS.2': NOT_PRESENT,
  'SFS.5': ({ field, trace }) =>
    `points to ${hex(field('ADDR'))}: ${guestAddresses(trace.requester?.second?.addressBits ?? 0)}`,
  'HPT.4': NO_PERMISSION,
  'HPT.5': NO_PERMISSION,
  'HPT.6': NO_PERMISSION,
};

/** What is wrong with the last entry, if a condition that concerns it was met. */
export function lastEntryTrouble(
  trace: Trace,
  fields: readonly DecodedField[],
  capabilities: Capabilities,
): string | undefined {
  const field = (name: string) => Number(fields.find((each) => each.name === name)?.value ?? 0n);
  return TELLINGS[CONDITIONS[trace.condition].name]?.({ trace, capabilities, field });
}

/** What an entry of the host permission table has for the request. */
export function permissionText({ request: { hi, lo }, reads }: Trace, at: number): string {
  const { format, words } = reads[at];
  const page = permissionIndex(HOST_PERMISSION_ENTRIES.indexOf(format), Number(address64(hi, lo)));
  const more = format.fields.some(({ name }) => name === 'AV') ? `AV=${words[2] & 1}` : '';
  if (page === undefined) return more;
  const rights = rightsText(words[page >> 3] >>> (4 * (page & 7)));
  return [`PP${page} grants ${rights === '' ? 'nothing' : rights}`, more].filter((part) => part !== '').join(', ');
}

function unsupported(name: string, value: number, needs: Readonly<Record<number, CapabilityName>>): string {
  const needed = needs[value];
  return `${name}=${value} ${needed === undefined ? 'is reserved' : `needs ${needed}, which is 0`}`;
}

function guestAddresses(bits: number): string {
  return `guest addresses have ${bits} bits`;
}
