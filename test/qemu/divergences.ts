import { type Difference, explanation } from '../golden/difference.js';
import { DIVERGENCES, type Divergence } from '../golden/divergences.js';
import { before, lastWrite, num, writtenWord } from '../golden/history.js';
import { hasDescriptor, isOfQueue, typeOf, unfitQueue } from '../golden/queue.js';
import { renamed } from '../golden/records.js';
import { type FaultTold, faultsOf, isTraceOfFault, pageOf } from '../golden/traces.js';
import type { Result } from '../golden/transcripts.js';

/** Recorded ways to differ that are not of one scenario. */
const GENERAL_DIVERGENCES = DIVERGENCES.filter(({ scenario }) => scenario === undefined);

/** Ways to differ that no recorded scenario shows, but random ones may. */
export const LIVE_DIVERGENCES: readonly Divergence[] = [
  ...GENERAL_DIVERGENCES,
  {
    name: 'FPD does not suppress a reserved field of the context entry',
    reason: 'LCT.3 is a qualified condition',
    section: '§7.1.3',
    right: 'specification',
    explains: (d) => isTraceOfFault(d, 'theirs', ([, , reason], ours) => reason === '0xb' && isSuppressed(ours)),
  },
  {
    name: 'rights that an upper entry lacks are reported before trouble with a lower one',
    reason: 'only a valid translation has rights, so a reserved field or an unreadable table comes first',
    section: '§3.7.1',
    right: 'specification',
    explains: (d) => isTraceOfFault(d, 'ours', isReportedAsDenied),
  },
  {
    name: 'rights that an upper entry lacks are reported before trouble with a lower one, in scalable mode too',
    reason:
      'only a valid translation has rights, so an absent entry, a reserved field or an unreadable table comes first',
    section: '§3.6.1',
    right: 'specification',
    rewrite: renamed({
      '0x70': ['0x81', '0x85'],
      '0x71': ['0x81', '0x85'],
      '0x72': ['0x81', '0x85'],
      '0x78': ['0x5', '0x6'],
      '0x7a': ['0x5', '0x6'],
    }),
  },
  {
    name: 'what was cached of an entry that is not checked stays',
    reason: 'an entry with a reserved field set is SCT.3, SPD.3 or SPT.3, and none to be cached',
    section: '§6.2.2',
    right: 'specification',
    explains: (d) => isStale(d) && wasRefusedUnchecked(d),
    parts: true,
  },
  {
    name: 'the table pointer of a pass-through entry is checked',
    reason: 'TT=2 ignores the whole field, also its bits from the host address width up',
    section: '§9.3',
    right: 'specification',
    explains: isRefusedPassThrough,
    parts: true,
  },
  {
    name: 'pass-through is known from the last context invalidation, before any request',
    reason: 'a stale context entry may be used or not; the model caches one when a request needs it',
    section: '§6.2.2',
    right: 'choice',
    explains: (d) => isStale(d) && isStalePassThrough(d),
    parts: true,
  },
  {
    name: 'another stale translation is kept',
    reason: 'hardware may keep or drop what software has not invalidated; QEMU places and drops entries otherwise',
    section: '§6.2.4',
    right: 'choice',
    explains: (d) => isStale(d) && (d.theirs === d.under('hold') || d.theirs === d.under('none') || isStaleData(d)),
    parts: true,
  },
  {
    name: 'a fault is recorded that the model meets when it does not cache',
    reason:
      'a stale entry may be used or not: both refuse the request, for what stands in the tables now or stood there',
    section: '§6.2.3',
    right: 'choice',
    explains: (d) => isStale(d) && isExplainedWithoutCaches(d),
    parts: true,
  },
  {
    name: 'descriptors of types 6 and 7 are accepted without scalable mode',
    reason: 'the types are invalid with TTM=0',
    section: '§6.5.2.11',
    right: 'specification',
    versions: ['7.2'],
    explains: (d) => isOfQueue(d) && hasDescriptor(d, (word) => [6n, 7n].includes(typeOf(word))),
    parts: true,
  },
  {
    name: 'reserved bits of an interrupt-entry-cache descriptor are not checked',
    reason: 'they are an invalid descriptor',
    section: '§6.5.2.8',
    right: 'specification',
    versions: ['7.2'],
    explains: (d) =>
      isOfQueue(d) && hasDescriptor(d, (word) => typeOf(word) === 4n && (word & ~0xffff_f800_001fn) !== 0n),
    parts: true,
  },
  {
    name: 'a device-TLB descriptor is accepted without device-TLBs',
    reason: 'the type is invalid without ECAP.DT',
    section: '§6.5.2.5',
    right: 'specification',
    explains: (d) => isOfQueue(d) && hasDescriptor(d, (word) => typeOf(word) === 3n),
    parts: true,
  },
  {
    name: 'a wait descriptor without IF and SW is an error',
    reason: 'both bits may be 0: such a descriptor fences, or does nothing',
    section: '§6.5.2.9',
    right: 'specification',
    explains: (d) => isOfQueue(d) && hasDescriptor(d, (word) => typeOf(word) === 5n && (word & 0x30n) === 0n),
    parts: true,
  },
];

/** The model has refused this requester before for a reserved field, behind which QEMU went on. */
function wasRefusedUnchecked(d: Difference): boolean {
  if (d.step.op !== 'dma') return false;
  return [...before(d)].some(
    ([step, at]) =>
      step.dev === d.step.dev &&
      faultsOf(d.ourResults[at]).some(([, , reason]) => ['0x42', '0x52', '0x5a'].includes(reason)),
  );
}

/** Software does not invalidate what it changes, or by a queue that an error has stopped. */
function isStale(d: Difference): boolean {
  if (d.scenario.name.includes('-stale-') || unfitQueue(d) !== undefined) return true;
  return [...before(d)].some(([, at]) => (num(d.theirResults[at]?.fsts ?? 0) & 0x10n) !== 0n);
}

function isExplainedWithoutCaches(d: Difference): boolean {
  const ours = d.under('none');
  return ours !== d.ours && explanation({ ...d, ours }, GENERAL_DIVERGENCES) !== undefined;
}

/** Data that depend on the caches, since a request before has gone by a stale translation. */
function isStaleData(d: Difference): boolean {
  return (d.path === 'hex' || d.path === 'sha256') && (d.ours !== d.under('hold') || d.ours !== d.under('none'));
}

/** QEMU refuses a requester of type 2 for a reserved field. */
function isRefusedPassThrough(d: Difference): boolean {
  const concerns = ([, sourceId, reason]: FaultTold) => reason === '0xb' && passesThrough(d, sourceId);
  if (d.step.op !== 'dma') return isTraceOfFault(d, 'theirs', concerns);
  return faultsOf(d.ourResults[d.at]).length === 0 && faultsOf(d.theirResults[d.at]).some(concerns);
}

/** QEMU lets a requester pass, whose context entry allowed that once, and the model does not any more. */
function isStalePassThrough(d: Difference): boolean {
  const hasPassed =
    d.scenario.options['scalable-mode'] === true
      ? (_: FaultTold, theirs: Result) => isUntranslated(theirs)
      : ([, sourceId]: FaultTold) => passesThrough(d, sourceId);
  if (isTraceOfFault(d, 'ours', hasPassed)) return true;
  if (d.step.op !== 'dma') return false;
  const [theirs, [fault]] = [d.theirResults[d.at] as Result, faultsOf(d.ourResults[d.at])];
  return faultsOf(theirs).length === 0 && fault !== undefined && hasPassed(fault, theirs);
}

/** QEMU tells of no translation and no fault. */
function isUntranslated({ ev }: Result): boolean {
  const told = (ev ?? []) as readonly (readonly unknown[])[];
  return told.every(([name]) => name !== 'xlat' && name !== 'fault' && name !== 'fault-disabled');
}

/** Whether a requester's context entry is of type 2, or has been at some time. */
function passesThrough(d: Difference, sourceId: string): boolean {
  const id = num(sourceId);
  const root = (lastWrite(d, 0x20)?.value ?? 0n) & ~0xfffn;
  const table = writtenWord(d, root + 16n * (id >> 8n)) & ~0xfffn;
  const entry = table + 16n * (id & 0xffn);
  return [...before(d)].some(([, at]) => (writtenWord({ ...d, at }, entry) & 0xdn) === 9n);
}

function isSuppressed({ ev }: Result): boolean {
  return ((ev ?? []) as readonly (readonly unknown[])[]).some(([name]) => name === 'fault-disabled');
}

function isReportedAsDenied(fault: FaultTold, theirs: Result): boolean {
  if (fault[2] !== '0x7' && fault[2] !== '0xc') return false;
  return faultsOf(theirs).some((told) => ['0x5', '0x6'].includes(told[2]) && pageOf(told) === pageOf(fault));
}
