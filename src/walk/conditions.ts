import { type Condition, NO_ANSWERS, QUALIFIED, READABLE, RESERVED, row, UNQUALIFIED } from './condition.js';
import { LEGACY_CONDITIONS } from './legacy-conditions.js';
import { SCALABLE_CONDITIONS } from './scalable-conditions.js';

function interrupt(code: number, qualified: boolean, about: string, remedy: string): Condition {
  return { ...row(`0x${code.toString(16)}`, code, qualified, NO_ANSWERS, about, remedy), section: '§5.1.4.1' };
}

/**
 * Every condition that a request can meet: those of legacy mode, of the modes themselves, of interrupt requests and of
 * scalable mode, each in the order of §7.1.3 and §5.1.4; index 0 stands for "no fault".
 */
export const CONDITIONS: readonly Condition[] = [
  row('ok', undefined, UNQUALIFIED, NO_ANSWERS, 'no fault', ''),
  ...LEGACY_CONDITIONS,
  row(
    'RTA.1.1',
    0x30,
    UNQUALIFIED,
    'CA UR IR',
    'abort-DMA mode is not supported',
    'latch another mode: RTADDR.TTM, then SRTP',
  ),
  row(
    'RTA.1.2',
    0x30,
    UNQUALIFIED,
    'CA UR IR',
    'the translation-table mode 2 is reserved',
    'latch another mode: RTADDR.TTM, then SRTP',
  ),
  row(
    'RTA.1.3',
    0x30,
    UNQUALIFIED,
    'CA UR IR',
    'scalable mode is not supported',
    'latch another mode: RTADDR.TTM, then SRTP',
  ),
  row(
    'RTA.2',
    0x31,
    UNQUALIFIED,
    'UR UR ·',
    'a request with PASID in legacy mode',
    'send it without PASID, or use scalable mode',
  ),
  row(
    'RTA.4',
    0x33,
    UNQUALIFIED,
    'UR UR IR',
    'abort-DMA mode blocks every request',
    'latch another mode: RTADDR.TTM, then SRTP',
  ),
  {
    ...row(
      '0x29',
      0x29,
      UNQUALIFIED,
      NO_ANSWERS,
      'not an interrupt request',
      'only aligned dword writes may go to 0xFEEx_xxxx',
    ),
    section: '§3.15',
  },
  interrupt(0x2b, UNQUALIFIED, 'interrupt remapping is required, but off', 'enable it: GCMD.IRE'),
  interrupt(0x2a, UNQUALIFIED, 'extended interrupt mode is required, but not in force', 'set IRTA.EIME, then SIRTP'),
  interrupt(
    0x25,
    UNQUALIFIED,
    'a request in compatibility format is blocked',
    'send it in remappable format, through an entry of its own',
  ),
  interrupt(0x20, UNQUALIFIED, 'a reserved field of the request is set', 'clear data bits 31:16, or SHV'),
  interrupt(0x21, UNQUALIFIED, 'the interrupt index is beyond the table', 'correct the index, or latch a larger table'),
  interrupt(0x23, UNQUALIFIED, 'the interrupt-remapping table entry cannot be read', READABLE),
  interrupt(0x22, QUALIFIED, 'the interrupt-remapping table entry is not present', 'set up the entry'),
  interrupt(0x26, QUALIFIED, 'the entry is not for this source-id', "put the requester's id into SID, SQ and SVT"),
  interrupt(
    0x24,
    QUALIFIED,
    'a reserved or wrong value stands in the interrupt-remapping table entry',
    'correct the field named; a feature that is not advertised makes its bits reserved',
  ),
  interrupt(0x27, QUALIFIED, 'the posted-interrupt descriptor cannot be accessed', READABLE),
  interrupt(0x28, QUALIFIED, 'a reserved field of the posted-interrupt descriptor is set', RESERVED),
  {
    ...row(
      'protected',
      undefined,
      UNQUALIFIED,
      'S0 UR ·',
      'the result lies in a protected memory region',
      'disable PMEN.EPM',
    ),
    section: '§11.4.8',
  },
  {
    ...row(
      'UR',
      undefined,
      UNQUALIFIED,
      'UR UR IR',
      'a request of a device-TLB that the unit does not take',
      'send it with remapping on; translated requests with PASID need ECAP.PTRS, page requests ECAP.PRS',
    ),
    section: '§4.2.1',
  },
  {
    ...row(
      'discarded',
      undefined,
      UNQUALIFIED,
      NO_ANSWERS,
      'a zero-length read of the interrupt range: completes, reaches no memory',
      '',
    ),
    section: '§3.15',
  },
  {
    ...row(
      'no such address',
      undefined,
      UNQUALIFIED,
      NO_ANSWERS,
      'an address beyond 52 bits while remapping is off',
      'stay below 2^52',
    ),
    section: '§3.1',
  },
  ...SCALABLE_CONDITIONS,
];

/**
 * The number of a condition, for code that compares numbers.
 *
 * @throws RangeError if no row has that name
 */
export function conditionId(name: string): number {
  const id = CONDITIONS.findIndex((condition) => condition.name === name);
  if (id < 0) throw new RangeError(`no fault condition is named ${name}`);
  return id;
}

/** The number of "no fault". */
export const OK = 0;
