import type { TranslationCompletion } from '../../index.js';
import { flag, hex, oneOf, whole, wide } from './fields.js';
import { attributesOf, requesterOf } from './machine.js';
import type { StepTable } from './steps.js';

const STATUS = { 'unsupported-request': 'ur', 'completer-abort': 'ca' } as const;
const MOST_PAGES = 2 ** 20;

/** Steps in which a device with a device-TLB does something. */
export const ATS_STEPS: StepTable = {
  ats(machine, step) {
    const { privileged, execute } = attributesOf(step);
    return completionOf(
      machine.region(step).translationRequest({
        address: wide(step, 'addr'),
        pages: whole(step, 'count', 1, MOST_PAGES, 1),
        noWrite: flag(step, 'nw'),
        privileged,
        execute,
      }),
    );
  },
  pagereq(machine, step) {
    machine.unit.pageRequest({
      ...requesterOf(step),
      ...attributesOf(step),
      address: wide(step, 'addr'),
      read: flag(step, 'r'),
      write: flag(step, 'w'),
      lastInGroup: flag(step, 'lpig'),
      group: whole(step, 'prgi', 0, 0x1ff, 0),
    });
    return {};
  },
  devtlb(machine, step) {
    machine.setDeviceTlb(requesterOf(step).sourceId, oneOf(step, 'mode', ['complete', 'silent']) === 'complete');
    return {};
  },
  timeout(machine) {
    machine.unit.deviceTimeout();
    return {};
  },
};

/** What a device gets, as the format writes it. */
export function completionOf(answer: TranslationCompletion) {
  if (answer.status !== 'success') return { status: STATUS[answer.status] };
  const entries = answer.entries.map(
    ({ address, size, read, write, untranslatedOnly, noSnoop, execute, privileged }) => ({
      addr: hex(address),
      size: hex(size),
      r: read,
      w: write,
      u: untranslatedOnly,
      n: noSnoop,
      exe: execute,
      priv: privileged,
    }),
  );
  return { status: 'success', entries };
}
