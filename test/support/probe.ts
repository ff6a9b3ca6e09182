import { type Access, type ReferenceOutcome, referenceTranslate } from '../reference/index.js';
import type { WorldMachine } from './machine.js';
import { type DmaStep, hex } from './scenario.js';

/** One request of a device. */
export interface Probe {
  readonly dev: number;
  readonly iova: bigint;
  readonly access: Access;
  /** Carries an address that a device-TLB translated. */
  readonly translated?: boolean;
  readonly pasid?: number;
  /** With a PASID only. */
  readonly privileged?: boolean;
  readonly execute?: boolean;
}

export type { Access };

export const ACCESSES: readonly Access[] = ['read', 'write', 'atomic', 'zero-length-read'];

const FSTS = 0x34;
const FRCD = 0x220;
const RECORD_VALID = 0x8000_0000;

/**
 * Asks a unit and the reference model, and compares.
 *
 * @throws Error if the answers differ
 */
export function judge(machine: WorldMachine, probe: Probe): void {
  const outcome = ask(machine, probe);
  same(unitAnswer(machine, probe, outcome), expectedAnswer(machine, probe, outcome), probe);
}

export function same(found: string, expected: string, probe: Probe): void {
  if (found !== expected) throw new Error(`${probeText(probe)}\n  unit:      ${found}\n  reference: ${expected}`);
}

export function probeText({ dev, iova, access, translated, pasid, privileged, execute }: Probe): string {
  const kind = `${translated ? 'translated ' : ''}${privileged ? 'privileged ' : ''}${execute ? 'execute ' : ''}${access}${pasid === undefined ? '' : ` with PASID ${pasid}`}`;
  return `${hex(dev)}: ${kind} of ${hex(iova)}`;
}

/** What a probe answers by the reference model, on one line: two answers are the same when their lines are. */
export function expectedAnswer({ reference }: WorldMachine, probe: Probe, outcome: ReferenceOutcome): string {
  const { te, sagaw } = reference;
  switch (outcome.kind) {
    case 'translated':
      if (!te && outcome.address >= 2n ** 52n) return 'refused, no such address, unrecorded';
      return translated(outcome.address, outcome.read, outcome.write, outcome.pageSize, outcome.snoop);
    case 'fault': {
      const { condition, code, logged } = outcome;
      if (!logged) return `refused, ${condition}, disabled`;
      // the address of a record is cut to the largest supported width; with 0x29 it is undefined (§11.4.7.6)
      const width = sagaw >= 8 ? 57 : sagaw >= 4 ? 48 : 39;
      const page = sagaw === 0 || code === 0x29 ? 'any page' : hex(probe.iova & ((1n << BigInt(width)) - 4096n));
      return `refused, ${condition}, recorded, ${record(code, probe.dev, page)}`;
    }
    case 'blocked':
      return `refused, ${outcome.why === 'protected-memory' ? 'protected' : 'UR'}, unrecorded`;
    default:
      return outcome.kind;
  }
}

/** What the reference model says of a probe. */
export function ask({ reference, ram }: WorldMachine, { dev, translated, ...request }: Probe): ReferenceOutcome {
  const at = translated ? 'translated' : 'untranslated';
  return referenceTranslate(reference, ram.read64, { ...request, sourceId: dev, at });
}

/** What the unit answers to a probe, on one line. Its fault records are cleared afterwards. */
export function unitAnswer(machine: WorldMachine, probe: Probe, expected: ReferenceOutcome): string {
  const { dev, iova, access, pasid } = probe;
  const isTranslated = probe.translated ?? false;
  const region = machine.unit.region(dev, pasid);
  machine.tell(probeStep(machine, probe, expected));
  machine.fault = undefined;
  // a zero-length read there is no translation (§3.15)
  const discards = access === 'zero-length-read' && !isTranslated && pasid === undefined && iova >> 20n === 0xfeen;
  if (discards) return region.zeroLengthRead(iova) && machine.fault === undefined ? 'discarded' : 'not discarded';
  const answer = region.translate(iova, access, { translated: isTranslated });
  if (answer.ok) {
    const { address, rights, pageSize, snoop } = answer;
    return translated(address, rights.includes('r'), rights.includes('w'), BigInt(pageSize), snoop);
  }
  return refusal(machine, answer.fault.condition);
}

function translated(address: bigint, read: boolean, write: boolean, pageSize: bigint, snoop: boolean): string {
  return `translated, ${hex(address)}, ${read ? 'r' : '-'}${write ? 'w' : '-'}, page ${hex(pageSize)}${snoop ? ', snooped' : ''}`;
}

function record(code: number, sourceId: number, page: string): string {
  return `reason ${hex(code)} of ${hex(sourceId)} at ${page}`;
}

function refusal(machine: WorldMachine, condition: string): string {
  const { fault, unit, reference } = machine;
  if (fault === undefined || fault.condition !== condition)
    return `refused, ${condition}, but told ${fault?.condition}`;
  const records = takeRecords(machine);
  if (fault.outcome !== 'recorded') {
    return `refused, ${condition}, ${fault.outcome}${records.length > 0 ? ', but recorded' : ''}`;
  }
  const pages = records.map(({ code, sourceId, page }) =>
    record(code, sourceId, reference.sagaw === 0 || code === 0x29 ? 'any page' : hex(page)),
  );
  const pending = unit.read32(FSTS) & 3;
  return `refused, ${condition}, recorded, ${pages.join(' and ')}${pending === 0 ? '' : ', still pending'}`;
}

/** Reads and clears all fault recording registers. */
export function takeRecords(machine: WorldMachine): { code: number; sourceId: number; page: bigint }[] {
  const { unit } = machine;
  const records: { code: number; sourceId: number; page: bigint }[] = [];
  for (let at = FRCD; at < FRCD + 16 * (unit.capabilities.get('CAP.NFR') + 1); at += 16) {
    const high = unit.read32(at + 12);
    if (high < RECORD_VALID) continue;
    records.push({ code: high & 0xff, sourceId: unit.read32(at + 8) & 0xffff, page: unit.read64(at) });
    machine.do({ op: 'regwrite', off: hex(at + 12), size: 4, value: hex(RECORD_VALID) });
  }
  return records;
}

/** The probe as a command: what it writes is what stands there already, so that it changes nothing. */
export function probeStep({ ram }: Pick<WorldMachine, 'ram'>, probe: Probe, outcome: ReferenceOutcome): DmaStep {
  const { dev, iova, access, pasid, privileged, execute } = probe;
  const more = {
    ...(probe.translated ? { at: 'translated' as const } : {}),
    ...(pasid === undefined ? {} : { pasid }),
    ...(privileged ? { priv: true } : {}),
    ...(execute ? { exec: true } : {}),
  };
  if (access === 'zero-length-read')
    return { op: 'dma', dev, addr: hex(iova), size: 1, dir: 'read', zlr: true, ...more };
  if (access === 'read') return { op: 'dma', dev, addr: hex(iova), size: 1, dir: 'read', ...more };
  if (access === 'atomic')
    return { op: 'dma', dev, addr: hex(iova & ~3n), size: 4, dir: 'atomic', hex: '00000000', ...more };
  const byte = outcome.kind === 'translated' ? (ram.read8(outcome.address) ?? 0) : 0;
  return { op: 'dma', dev, addr: hex(iova), size: 1, dir: 'write', hex: byte.toString(16).padStart(2, '0'), ...more };
}
