import type { Difference } from './difference.js';
import { before, isRegister, lastWrite, num, withBits } from './history.js';
import { isStoppedAgain, queueError } from './queue.js';
import { SCALABLE_DIVERGENCES } from './scalable-divergences.js';
import { faultsOf, hostWidth, isFectl, isFsts, isTraceOfFault, isUntold, recordWord } from './traces.js';
import type { Version } from './transcripts.js';

/** One way in which the model and QEMU may differ. */
export interface Divergence {
  /** What QEMU does. */
  readonly name: string;
  /** Why the model does otherwise, by the architecture's §. */
  readonly reason: string;
  readonly section: string;
  /** The architecture decides it, or leaves it open. */
  readonly right: 'specification' | 'choice';
  /** Versions of QEMU that do so; default all. */
  readonly versions?: readonly Version[];
  /** The one scenario that it concerns; default all. */
  readonly scenario?: string;
  /** What QEMU's value would be if it did not do so; the value as it is where this plays no part. */
  rewrite?(difference: Difference): string;
  /** Whether the difference is this one. */
  explains?(difference: Difference): boolean;
  /** From here on the two are in different states: the comparison ends here. */
  readonly parts?: true;
}

/** Exact values: step, place, ours, QEMU's. */
type Values = readonly (readonly [at: number, path: string, ours: string, theirs: string])[];

function exactly(values: Values): (difference: Difference) => boolean {
  return (difference) =>
    values.some(
      ([at, path, ours, theirs]) =>
        at === difference.at && path === difference.path && ours === difference.ours && theirs === difference.theirs,
    );
}

/** Ways in which the model and QEMU may differ in either mode, or in legacy mode. */
const COMMON_DIVERGENCES: readonly Divergence[] = [
  {
    name: 'FI keeps address bits above the largest AGAW',
    reason: 'the bits are forced to 0',
    section: '§11.4.7.6',
    right: 'specification',
    rewrite(d) {
      const beyond = (1n << 64n) - (1n << hostWidth(d.scenario));
      const word = recordWord(d);
      if (d.path === 'frcd[0]') return requestedPage(d, num(d.theirs)) ? withBits(d.theirs, beyond, 0n) : d.theirs;
      if (word !== 1) return d.theirs;
      const dump = d.theirResults[d.at]?.regs as Record<string, string>;
      const page = (num(d.theirs) << 32n) | num(dump['0x220'] ?? '0x0');
      return requestedPage(d, page) ? withBits(d.theirs, beyond >> 32n, 0n) : d.theirs;
    },
  },
  {
    name: 'the PASID field of a legacy record is 0xffff',
    reason: 'PP is 0, and the field is reserved without ECAP.PASID',
    section: '§11.4.7.6',
    right: 'specification',
    versions: ['7.2'],
    rewrite(d) {
      const shift = d.path === 'frcd[1]' ? 40n : d.path === 'regs.0x22c' ? 8n : undefined;
      if (shift === undefined) return d.theirs;
      const pasid = 0xf_ffffn << shift;
      return (num(d.theirs) & pasid) >> shift === 0xffffn ? withBits(d.theirs, pasid, 0n) : d.theirs;
    },
  },
  {
    name: 'an access that a cached translation does not permit is refused without a record',
    reason: 'LGN.2 and LGN.3, SGN.6 and SGN.7 are recorded wherever the translation comes from',
    section: '§7.1.3',
    right: 'specification',
    explains: (d) =>
      isTraceOfFault(
        d,
        'ours',
        (fault, theirs) => ['0x5', '0x6', '0x85', '0x86'].includes(fault[2]) && isUntold(fault, theirs),
      ),
  },
  {
    name: 'pass-through does not check the address',
    reason: 'an address beyond the host address width is LGN.1.3 or SGN.4.2',
    section: '§3.9',
    right: 'specification',
    explains: (d) =>
      isTraceOfFault(
        d,
        'ours',
        (fault, theirs) =>
          ['0x4', '0x83'].includes(fault[2]) &&
          isUntold(fault, theirs) &&
          num(fault[3]) >> hostWidth(d.scenario) !== 0n,
      ),
  },
  {
    name: 'IQA reads as it was latched by QIE',
    reason: 'the register is RW',
    section: '§11.4.9.3',
    right: 'specification',
    explains(d) {
      const half = isRegister(d, 0x94) ? 0n : isRegister(d, 0x90) ? 0xfffn : undefined;
      return half !== undefined && num(d.theirs) === (num(d.ours) & half & (d.version === '7.2' ? 7n : 0x807n));
    },
  },
  {
    name: 'IQA.DW cannot be set without scalable mode',
    reason: 'the bit exists with every queue; setting it is an error of the queue, IQEI 5',
    section: '§11.4.9.3',
    right: 'specification',
    versions: ['7.2'],
    explains: (d) => isRegister(d, 0x90) && num(d.ours) === (num(d.theirs) | 0x800n),
  },
  {
    name: 'IEDATA has 32 bits',
    reason: 'bits 31:16 are reserved',
    section: '§11.4.9.6',
    right: 'specification',
    explains: (d) => isRegister(d, 0xa4) && num(d.ours) === (num(d.theirs) & 0xffffn),
  },
  {
    name: 'page request events are not masked after reset',
    reason: 'IM of PECTL is 1 after reset, as that of the other event registers; page requests do nothing in QEMU',
    section: '§11.4.11.5',
    right: 'specification',
    explains: (d) => isRegister(d, 0xe0) && num(d.ours) === 0x8000_0000n && num(d.theirs) === 0n,
  },
  {
    name: 'IRTA.EIME can be set without extended interrupt mode',
    reason: 'the bit is reserved without ECAP.EIM',
    section: '§11.4.10',
    right: 'specification',
    explains: (d) => isRegister(d, 0xb8) && num(d.theirs) === (num(d.ours) | 0x800n),
  },
  {
    name: 'a domain-selective context invalidation is reported as global',
    reason: 'it is done as it was asked for; coarser execution is allowed',
    section: '§11.4.6.1',
    right: 'choice',
    explains(d) {
      const shift = isRegister(d, 0x2c) ? 27n : isRegister(d, 0x28) ? 59n : undefined;
      if (shift === undefined) return false;
      const caig = 3n << shift;
      return (num(d.ours) & caig) >> shift === 2n && withBits(d.ours, caig, 1n << shift) === d.theirs;
    },
  },
  {
    name: 'GSTS.CFIS is never set',
    reason: 'CFI is a level command, and its status follows',
    section: '§11.4.4.2',
    right: 'specification',
    explains: (d) =>
      isRegister(d, 0x1c) &&
      num(d.ours) === (num(d.theirs) | 0x80_0000n) &&
      ((lastWrite(d, 0x18)?.value ?? 0n) & 0x80_0000n) !== 0n,
  },
  {
    name: 'IQERCD does not exist',
    reason: 'it tells what stopped the queue',
    section: '§11.4.9.9',
    right: 'specification',
    explains: (d) => isRegister(d, 0xb0) && d.theirs === '0x0' && num(d.ours) === queueError(d),
  },
  {
    name: 'clearing IQE does not resume the queue',
    reason: 'the unit fetches again at IQH, and meets the descriptor that software left there',
    section: '§6.5.2.11',
    right: 'specification',
    explains: isStoppedAgain,
  },
  {
    name: 'clearing IQE does not resume the queue (repaired before)',
    reason: 'the unit fetches again at IQH, and executes what software put there',
    section: '§6.5.2.11',
    right: 'specification',
    scenario: 'qi-mid-error',
    explains: exactly([
      [16, 'value', '0x30', '0x10'],
      [17, 'hex', '01000000020000000300000000000000', '01000000000000000000000000000000'],
    ]),
  },
  {
    name: 'clearing IQE does not resume the queue (tail moved back before)',
    reason: 'the unit fetches again at IQH, and executes what software put there',
    section: '§6.5.2.11',
    right: 'specification',
    scenario: 'qi-err-tail-beyond',
    explains: exactly([
      [18, 'value', '0x10', '0x0'],
      [19, 'hex', '0000000077000000', '0000000000000000'],
    ]),
  },
  {
    name: 'the queue cannot be switched off unless its last descriptor was a wait',
    reason: 'QIE=0 switches it off; here it is empty, and has another place when it is switched on again',
    section: '§11.4.4.1',
    right: 'specification',
    scenario: 'qi-err-queue-hole',
    explains: exactly([
      [26, 'fsts', '0x10', '0x0'],
      [26, 'fectl', '0xc0000000', '0x80000000'],
      [27, 'value', '0x0', '0x20'],
      [28, 'hex', '00000000000000000000000000000000', '00000000770000008800000000000000'],
    ]),
  },
  {
    name: 'a wait descriptor without IF and SW is an error',
    reason: 'both bits may be 0: such a descriptor fences, or does nothing',
    section: '§6.5.2.9',
    right: 'specification',
    scenario: 'qi-wait-irq',
    explains: exactly([
      [54, 'value', '0x60', '0x50'],
      [55, 'fsts', '0x0', '0x10'],
      [55, 'fectl', '0x80000000', '0xc0000000'],
    ]),
  },
  {
    name: 'descriptors of type 6 are accepted without scalable mode',
    reason: 'the type is invalid with TTM=0',
    section: '§6.5.2.11',
    right: 'specification',
    versions: ['7.2'],
    scenario: 'qi-err-type6',
    explains: exactly([
      [7, 'fsts', '0x10', '0x0'],
      [7, 'fectl', '0xc0000000', '0x80000000'],
      [8, 'value', '0x0', '0x10'],
      [14, 'fsts', '0x10', '0x0'],
      [14, 'fectl', '0xc0000000', '0x80000000'],
      [15, 'value', '0x0', '0x20'],
      [16, 'hex', '0000000000000000', '0000000077000000'],
      [18, 'fsts', '0x10', '0x0'],
      [18, 'fectl', '0xc0000000', '0x80000000'],
      [19, 'value', '0x0', '0x20'],
      [20, 'hex', '0000000000000000', '0000000077000000'],
      [23, 'fsts', '0x10', '0x0'],
      [23, 'fectl', '0xc0000000', '0x80000000'],
      [24, 'value', '0x0', '0x30'],
      [25, 'hex', '00000000000000000000000000000000', '00000000770000008800000000000000'],
    ]),
  },
  {
    name: 'a queue of 256-bit descriptors works without scalable mode',
    reason: 'DW=1 with SMTS=0 and ADMS=0 stops the queue with IQEI 5',
    section: '§11.4.9.3',
    right: 'specification',
    scenario: 'sm-no-pt-noscalable-qi-dw',
    explains: exactly([
      [9, 'value', '0x0', '0x10'],
      [10, 'hex', '00000000', '05000000'],
    ]),
  },
  {
    name: 'accesses to the interrupt range that are no interrupt requests pass',
    reason: 'reads and writes that are no aligned dword are refused with 0x29',
    section: '§3.15',
    right: 'specification',
    scenario: 'ir-sizes',
    explains: notAnInterrupt,
  },
  {
    name: 'requests in compatibility format pass while CFIS=0',
    reason: 'they are blocked with 0x25',
    section: '§5.1.4',
    right: 'specification',
    scenario: 'ir-compat',
    explains: exactly([
      [8, 'msi', '0x0', '0xfee01000 0x4055 0xfee01000 0x4055'],
      [9, 'frcd[1]', '0x8000002500000010', '0x0'],
      [9, 'fsts', '0x2', '0x0'],
      [9, 'fectl', '0xc0000000', '0x80000000'],
      // the fields of a record stay when it is cleared
      [15, 'frcd[1]', '0x2500000010', '0x0'],
      [20, 'msi', '0x0', '0xfee01000 0x4055 0xfee01000 0x4055'],
      [21, 'frcd[1]', '0x8000002500000010', '0x0'],
      [21, 'fsts', '0x2', '0x0'],
      [21, 'fectl', '0xc0000000', '0x80000000'],
      [22, 'frcd[1]', '0x8000002500000010', '0x0'],
      [22, 'fsts', '0x2', '0x0'],
      [22, 'fectl', '0xc0000000', '0x80000000'],
    ]),
  },
  {
    name: 'requests in compatibility format pass while CFIS=0 (after accesses of other sizes)',
    reason: 'they are blocked with 0x25; the record takes the place of what QEMU made of an access that is no request',
    section: '§5.1.4',
    right: 'specification',
    scenario: 'ir-sizes',
    explains: (d) =>
      exactly([
        [28, 'rejected', '8', '4'],
        [29, 'frcd[0]', '0x0', '0x8000000000000000'],
        [29, 'frcd[1]', '0x8000002500000010', '0x210000ffff'],
        [29, 'frcd[1]', '0x8000002500000010', '0x0'],
        [29, 'fsts', '0x2', '0x0'],
      ])({ ...d, at: Math.min(d.at, 29) }),
  },
  {
    name: 'faults of interrupt remapping are not recorded',
    reason: 'they are recorded as those of DMA are',
    section: '§5.1.4.1',
    right: 'specification',
    versions: ['7.2'],
    scenario: 'ir-hole',
    explains: (d) =>
      exactly([
        [10, 'frcd[1]', '0x8000002300000010', '0x0'],
        [10, 'fsts', '0x2', '0x0'],
        [10, 'fectl', '0xc0000000', '0x80000000'],
      ])({ ...d, at: Math.min(d.at, 10) }),
  },
];

/** Every way in which the model and QEMU may differ; a row that nothing needs fails the tests. */
export const DIVERGENCES: readonly Divergence[] = [...COMMON_DIVERGENCES, ...SCALABLE_DIVERGENCES];

/** Whether a request so far touched this page. */
function requestedPage(d: Difference, page: bigint): boolean {
  return [...before(d)].some(([step]) => {
    if (step.op !== 'dma') return false;
    const first = num(step.addr) & ~0xfffn;
    return first <= page && page < num(step.addr) + BigInt(step.size);
  });
}

/** The model refuses with 0x29 what QEMU lets pass; then its record is of that. */
function notAnInterrupt(d: Difference): boolean {
  const { step } = d;
  if (step.op === 'dma') {
    const isRequest = step.dir === 'write' && step.size === 4 && num(step.addr) % 4n === 0n;
    const refused = d.path === 'rejected' && d.theirs === '0' && d.ours === String(step.size);
    return refused && !isRequest && num(step.addr) >> 20n === 0xfeen;
  }
  const [fault] = [...before(d)].flatMap(([, at]) => faultsOf(d.ourResults[at]));
  if (fault === undefined || fault[2] !== '0x29') return false;
  const upper = fault[4] === 'read' ? 0x4000_0029n : 0x29n;
  const valid = 1n << 63n;
  if (d.path === 'frcd[0]') return d.ours === '0x0';
  if (d.path === 'frcd[1]') return (num(d.ours) & ~valid) === ((upper << 32n) | num(fault[1]));
  if (isFsts(d)) return d.ours === '0x2' && d.theirs === '0x0';
  return isFectl(d) && num(d.ours) === (num(d.theirs) | 0x4000_0000n);
}
