import type { Difference } from './difference.js';
import type { Divergence } from './divergences.js';
import { isHashOfFlags, withOurDirtyFlags } from './flags.js';
import { isRegister, lastWrite, num, withBits, writtenWord } from './history.js';
import { hasDescriptor, isOfQueue, isOfStatus, typeOf, unfitQueue } from './queue.js';
import { type Reasons, renamed, renamedFrom, withoutPasid } from './records.js';
import { type FaultTold, faultsOf, isFectl, isFsts, isTraceOfFault, isUntold } from './traces.js';

/** Reserved fields that QEMU does not look at: of context entries, directory entries and PASID entries. */
const UNCHECKED: Reasons = ['0x42', '0x52', '0x5a'];
const BAD_MODE: Reasons = ['0x30'];

/** What QEMU finds behind an entry that it did not check. */
const DEEPER: Reasons = [
  ...['0x50', '0x51', '0x58', '0x59', '0x5b', '0x3', '0x4', '0x5', '0x6', '0x7', '0xc'],
  ...['0x70', '0x71', '0x72', '0x73', '0x80', '0x81', '0x85', '0x87'],
];
const ANY_ENTRY: Reasons = ['0x1', '0x2', '0x9', '0xa', '0xb', ...DEEPER];

/** The model refuses what QEMU lets pass, for one of these reasons alone. */
function isRefusedHere(d: Difference, reasons: Reasons): boolean {
  if (d.step.op !== 'dma') return false;
  const ours = faultsOf(d.ourResults[d.at]);
  return ours.length > 0 && ours.every(([, , reason]) => reasons.includes(reason));
}

/** What such a refusal leaves in the registers, where QEMU's request reaches no memory either. */
function isTraceOfRefusal(d: Difference, reasons: Reasons): boolean {
  return isTraceOfFault(d, 'ours', (fault, theirs) => reasons.includes(fault[2]) && isUntold(fault, theirs));
}

function isScalable({ scenario }: Difference): boolean {
  return scenario.options['scalable-mode'] === true;
}

/** Whether the half of the root entry that serves a requester is well, and the other one has a reserved bit set. */
function isOtherHalfWrong(d: Difference, sourceId: string): boolean {
  const id = num(sourceId);
  const root = ((lastWrite(d, 0x20)?.value ?? 0n) & ~0xfffn) + 16n * (id >> 8n);
  const isWrong = (half: bigint) => (writtenWord(d, root + 8n * half) & reservedOfRoot(d)) !== 0n;
  const own = (id >> 7n) & 1n;
  return !isWrong(own) && isWrong(1n - own);
}

function reservedOfRoot({ scenario }: Difference): bigint {
  const width = BigInt(scenario.options['aw-bits'] as number);
  return 0xffen | (((1n << 64n) - 1n) & ~((1n << width) - 1n));
}

/** QEMU refuses a request for the other half of a root entry, which the model does not. */
function isRefusedForOtherHalf(d: Difference): boolean {
  const isOther = ([, sourceId, reason]: FaultTold) => reason === '0xa' && isOtherHalfWrong(d, sourceId);
  return d.step.op === 'dma' && faultsOf(d.theirResults[d.at]).some(isOther);
}

/** QEMU's record with the model's reason, where it is of a request that was refused for the other half of a root entry. */
function withoutOtherHalf(d: Difference): string {
  const dump = d.theirResults[d.at]?.regs as Record<string, string> | undefined;
  const sourceId = num(d.path === 'frcd[1]' ? d.theirs : (dump?.['0x228'] ?? '0x0')) & 0xffffn;
  return isOtherHalfWrong(d, `0x${sourceId.toString(16)}`) ? renamedFrom('0xa', d) : d.theirs;
}

/** Data that may be by stale entries: software does not invalidate them, or by a queue that has stopped. */
function isStale(d: Difference): boolean {
  if (!isScalable(d) || !['rejected', 'hex', 'sha256'].includes(d.path)) return false;
  return d.scenario.name.includes('-stale-') || unfitQueue(d) !== undefined;
}

function isSuppressed(result: { readonly ev?: unknown }): boolean {
  return ((result.ev ?? []) as readonly (readonly unknown[])[]).some(([name]) => name === 'fault-disabled');
}

/** Granularities that QEMU reports for register requests of scalable mode, in a half or in all of the register. */
function reportedGranularity(d: Difference): string {
  const iotlb = isRegister(d, 0xf8) || isRegister(d, 0xfc);
  const context = isRegister(d, 0x28) || isRegister(d, 0x2c);
  if (!iotlb && !context) return d.theirs;
  const isHigh = isRegister(d, 0xfc) || isRegister(d, 0x2c);
  const field = (iotlb ? 3n << 57n : 3n << 59n) >> (isHigh ? 32n : 0n);
  return (num(d.ours) & field) === 0n ? withBits(d.theirs, field, 0n) : d.theirs;
}

/** What registers would show if QEMU's queue stood at its first descriptor. */
function asStopped(d: Difference): string {
  if (isFsts(d)) return withBits(d.theirs, 0x10n, 0x10n);
  if (isFectl(d)) return withBits(d.theirs, 0x4000_0000n, num(d.ours) & 0x4000_0000n);
  // nothing completes, and software cannot know of more
  const isAtRest = [0x80, 0x9c, 0xa0].some((offset) => isRegister(d, offset));
  return isAtRest ? d.ours : d.theirs;
}

/** Every way in which the model and QEMU may differ in scalable mode alone. */
export const SCALABLE_DIVERGENCES: readonly Divergence[] = [
  {
    name: 'conditions of root and context entries have the codes of legacy mode',
    reason: 'scalable mode has codes of its own: SRT.1 to SRT.3, SCT.1 to SCT.3',
    section: '§7.1.3',
    right: 'specification',
    rewrite: renamed({
      '0x39': ['0x1'],
      '0x3a': ['0xa'],
      '0x40': ['0x9'],
      '0x41': ['0x2'],
      '0x42': ['0xb'],
    }),
  },
  {
    name: 'conditions of the second stage have the codes of legacy mode, an absent entry those of missing rights',
    reason: 'scalable mode has codes of its own: SSS.1 to SSS.4, SGN.5 to SGN.7',
    section: '§7.1.3',
    right: 'specification',
    rewrite: renamed({
      '0x78': ['0x7'],
      '0x79': ['0x5', '0x6'],
      '0x7a': ['0xc'],
      '0x7b': ['0x3'],
      '0x84': ['0x4'],
      '0x85': ['0x5'],
      '0x86': ['0x6'],
    }),
  },
  {
    name: 'all trouble with the PASID directory and PASID entries is 0x58',
    reason: 'each condition has its code: SPD.1 to SPT.4',
    section: '§7.1.3',
    right: 'specification',
    versions: ['7.2'],
    rewrite: renamed({ '0x50': ['0x58'], '0x51': ['0x58'], '0x52': ['0x58'], '0x5a': ['0x58'], '0x5b': ['0x58'] }),
  },
  {
    name: 'the type of a PASID entry is checked before it is known to be present',
    reason: 'an entry that is not present is SPT.2, whatever its other fields',
    section: '§7.1.3',
    right: 'specification',
    rewrite: renamed({ '0x59': ['0x58', '0x5b'] }),
  },
  {
    name: 'reserved fields of context, directory and PASID entries are not checked, nor those of a type before the type',
    reason: 'they are SCT.3 (so is RID_PASID without ECAP.RPS), SPD.3 and SPT.3, before anything behind them',
    section: '§7.1.3',
    right: 'specification',
    rewrite: renamed(Object.fromEntries(UNCHECKED.map((reason) => [reason, DEEPER]))),
  },
  {
    name: 'reserved fields of context, directory and PASID entries are not checked (request passes)',
    reason: 'they are SCT.3 (so is RID_PASID without ECAP.RPS), SPD.3 and SPT.3',
    section: '§7.1.3',
    right: 'specification',
    explains: (d) => isRefusedHere(d, UNCHECKED) || isTraceOfRefusal(d, UNCHECKED),
    parts: true,
  },
  {
    name: 'a translation-table mode that is not supported acts as another',
    reason: 'TTM=1 without ECAP.SMTS is RTA.1.3, TTM=2 RTA.1.2, TTM=3 without ECAP.ADMS RTA.1.1',
    section: '§7.1.3',
    right: 'specification',
    rewrite: renamed({ '0x30': ANY_ENTRY }),
  },
  {
    name: 'a translation-table mode that is not supported acts as another (request passes)',
    reason: 'TTM=1 without ECAP.SMTS is RTA.1.3, TTM=2 RTA.1.2, TTM=3 without ECAP.ADMS RTA.1.1',
    section: '§7.1.3',
    right: 'specification',
    explains: (d) => isRefusedHere(d, BAD_MODE) || isTraceOfRefusal(d, BAD_MODE),
    parts: true,
  },
  {
    name: 'reserved bits in the other half of a root entry stop a requester',
    reason: 'each half is for itself, and counts only for its own devices',
    section: '§9.2',
    right: 'specification',
    rewrite: withoutOtherHalf,
    explains: isRefusedForOtherHalf,
    parts: true,
  },
  {
    name: 'FPD of a directory or PASID entry that is not present does not suppress its fault',
    reason: 'FPD counts even with P=0',
    section: '§9.6',
    right: 'specification',
    explains: (d) =>
      isTraceOfFault(
        d,
        'theirs',
        ([, , reason], ours) => ['0x51', '0x58', '0x59'].includes(reason) && isSuppressed(ours),
      ),
  },
  {
    name: 'requests without PASID are recorded with the one that stands for them',
    reason: 'PP and PASID tell what the request carried',
    section: '§11.4.7.6',
    right: 'specification',
    versions: ['7.2'],
    rewrite: (d) => (isScalable(d) ? withoutPasid(d) : d.theirs),
  },
  {
    name: 'register requests of scalable mode are reported as done',
    reason: 'they are incorrect, and reported with granularity 0',
    section: '§11.4.6',
    right: 'specification',
    rewrite: (d) => (isScalable(d) ? reportedGranularity(d) : d.theirs),
  },
  {
    name: 'a dirty flag is not set in an entry that has its accessed flag',
    reason: 'a permitted write sets it, whatever came before',
    section: '§3.6.2',
    right: 'specification',
    rewrite: withOurDirtyFlags,
  },
  {
    name: 'a hash of tables in which dirty flags differ',
    reason:
      'see the row before this one: with the flags that QEMU shows when the tables are read, the hash is the same',
    section: '§3.6.2',
    right: 'specification',
    explains: isHashOfFlags,
  },
  {
    name: 'another stale translation is kept, or a stale PASID entry is not',
    reason: 'hardware may keep or drop what software has not invalidated; QEMU reads PASID entries anew at each miss',
    section: '§6.2.3',
    right: 'choice',
    explains: (d) => isStale(d) && (d.theirs === d.under('none') || d.theirs === d.under('hold')),
    parts: true,
  },
  {
    name: 'a queue works that does not fit the translation-table mode',
    reason: 'DW=0 with TTM=1 stops it with IQEI 5, a mode that is not supported with IQEI 7',
    section: '§11.4.9.9',
    right: 'specification',
    rewrite: (d) => (unfitQueue(d) === undefined ? d.theirs : asStopped(d)),
    explains: (d) => unfitQueue(d) !== undefined && isOfStatus(d),
  },
  {
    name: 'descriptors of types 6 and 7, and upper halves of descriptors, are not looked at',
    reason: 'reserved fields and granularities stop the queue with IQEI 4',
    section: '§6.5.2.11',
    right: 'specification',
    versions: ['7.2'],
    explains: (d) =>
      isOfQueue(d) && hasDescriptor(d, (low, _, upper) => typeOf(low) === 6n || typeOf(low) === 7n || upper !== 0n),
    parts: true,
  },
  {
    name: 'a PASID-based device-TLB descriptor is accepted without device-TLBs',
    reason: 'the type is invalid without ECAP.DT',
    section: '§6.5.2.6',
    right: 'specification',
    versions: ['11.1'],
    explains: (d) => isOfQueue(d) && hasDescriptor(d, (low) => typeOf(low) === 8n),
    parts: true,
  },
  {
    name: 'an address mask of a PASID-based IOTLB invalidation beyond CAP.MAMV is an error',
    reason: 'every mask is supported there',
    section: '§6.5.2.4',
    right: 'specification',
    versions: ['11.1'],
    explains: (d) => isOfQueue(d) && hasDescriptor(d, (low, high) => typeOf(low) === 6n && (high & 0x3fn) > 18n),
    parts: true,
  },
];
