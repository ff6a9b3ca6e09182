import type { IntelIommu } from '../../unit/intel-iommu.js';
import { clean } from '../format.js';
import { DIVERGENCES, type Divergence } from './divergences.js';
import { type Json, readJson } from './files.js';
import { type InterruptProbe, readInterruptProbe } from './interrupt-probes.js';
import type { Capture, ModelledCapture } from './load.js';

/** A fault recording register: its upper and its lower 64 bits. */
export type FaultRecord = readonly [high: bigint, low: bigint];

/** One DMA access that QEMU was asked for, and what it answered. */
export interface Probe {
  readonly sourceId: number;
  readonly iova: bigint;
  readonly access: 'read' | 'write';
  readonly expected:
    | { readonly result: 'ok'; readonly address: bigint; readonly mask: bigint }
    | { readonly result: 'fault'; readonly reason: number; readonly record: FaultRecord | undefined }
    /** No translation took place: the address stays as it is. */
    | { readonly result: 'bypass' };
}

/** What the model says to a probe. */
export type ModelAnswer =
  | { readonly result: 'ok'; readonly address: bigint; readonly mask: bigint }
  | {
      readonly result: 'fault';
      readonly reason: number | undefined;
      readonly record: FaultRecord | undefined;
      readonly condition: string;
      readonly about: string;
      readonly remedy: string;
    };

/** How an answer stands to QEMU's; `diverging`: QEMU is known to depart from the architecture there. */
export type Verdict = 'equal' | 'different' | 'diverging';

/** One probe, answered. */
export interface AnsweredProbe {
  readonly probe: Probe;
  readonly answer: ModelAnswer;
  readonly verdict: Verdict;
  /** The known departure of QEMU that it meets: in the answer (then it diverges), or only in the record of the fault. */
  readonly divergence: Divergence | undefined;
}

/** The questions that QEMU was asked about a capture. */
export interface Oracle {
  readonly qemu: string;
  readonly dma: readonly Probe[];
  readonly msi: readonly InterruptProbe[];
}

/** Reads QEMU's answers. @throws InputError if they are missing or damaged */
export function loadOracle({ directory }: Capture): Oracle {
  const file = readJson(directory, 'oracle.json');
  const qemu = file.get('qemu');
  return {
    qemu: qemu.isPresent ? clean(qemu.text()) : '',
    dma: file.get('dma').list().map(readProbe),
    msi: file.get('msi').list().map(readInterruptProbe),
  };
}

function readProbe(row: Json): Probe {
  const [access, result] = [row.get(2).text(), row.get(3).text()];
  if (access !== 'r' && access !== 'w') throw row.get(2).wrong('"r" or "w"');
  return {
    sourceId: row.get(0).whole(0xffff),
    iova: row.get(1).number64(),
    access: access === 'r' ? 'read' : 'write',
    expected: readExpected(row, result),
  };
}

function readExpected(row: Json, result: string): Probe['expected'] {
  if (result === 'bypass') return { result };
  if (result === 'ok') return { result, address: row.get(4).number64(), mask: row.get(5).number64() };
  if (result !== 'fault') throw row.get(3).wrong('"ok", "fault" or "bypass"');
  const record = row.get(5).isPresent ? ([row.get(5).number64(), row.get(6).number64()] as const) : undefined;
  return { result, reason: row.get(4).whole(0xff), record };
}

const FSTS = 0x34;
/** FSTS: a record is pending; the bits that writing 1 clears. */
const PENDING = 0x02;
const CLEARABLE = 0x71;
/** F, the highest bit of a record: writing 1 clears it. */
const VALID = 0x8000_0000;

/** Takes fault records from a unit as software does. */
export class RecordTaker {
  readonly #unit: IntelIommu;
  readonly #records: readonly number[];

  /** What is pending already is forgotten. */
  constructor({ unit, capabilities }: ModelledCapture) {
    const count = capabilities.get('CAP.NFR') + 1;
    this.#unit = unit;
    this.#records = Array.from({ length: count }, (_, index) => unit.registers.offsetOf('FRCD', index));
    for (const at of this.#records) unit.write32(at + 12, VALID);
    unit.write32(FSTS, CLEARABLE);
  }

  /** The record that is pending, which is cleared. */
  take(): FaultRecord | undefined {
    const status = this.#unit.read32(FSTS);
    if ((status & PENDING) === 0) return undefined;
    const at = this.#records[(status >> 8) & 0xff];
    const record = [this.#unit.read64(at + 8), this.#unit.read64(at)] as const;
    this.#unit.write32(at + 12, VALID);
    return record;
  }
}

/** Asks the model what QEMU was asked; the fault record is read and cleared after each probe. */
export function answerProbes(capture: ModelledCapture, probes: readonly Probe[]): AnsweredProbe[] {
  const { unit, capabilities } = capture;
  const records = new RecordTaker(capture);
  return probes.map((probe) => {
    const found = unit.region(probe.sourceId).translate(probe.iova, probe.access);
    const answer: ModelAnswer = found.ok
      ? { result: 'ok', address: found.address, mask: BigInt(found.pageSize - 1) }
      : { result: 'fault', record: records.take(), ...found.fault };
    const divergence = DIVERGENCES.find((each) => each.matches(probe, answer, capabilities));
    return { probe, answer, verdict: verdictOf(probe, answer, divergence), divergence };
  });
}

/** An answer is equal if the record of its fault is too, or departs from QEMU's in a known way. */
function verdictOf(probe: Probe, answer: ModelAnswer, divergence: Divergence | undefined): Verdict {
  const recordsAgree = divergence !== undefined || sameRecord(probe, answer);
  if (isAlike(probe, answer) && recordsAgree) return 'equal';
  return divergence === undefined ? 'different' : 'diverging';
}

/** Whether the answers are the same: address and page size, or fault reason. */
function isAlike({ iova, expected }: Probe, answer: ModelAnswer): boolean {
  if (expected.result === 'bypass') return answer.result === 'ok' && answer.address === iova;
  if (expected.result === 'ok') {
    return answer.result === 'ok' && answer.address === expected.address && answer.mask === expected.mask;
  }
  return answer.result === 'fault' && answer.reason === expected.reason;
}

function sameRecord({ expected }: Probe, answer: ModelAnswer): boolean {
  const theirs = expected.result === 'fault' ? expected.record : undefined;
  const ours = answer.result === 'fault' ? answer.record : undefined;
  return equalRecords(ours, theirs);
}

/** Whether two records are the same, or there is neither. */
export function equalRecords(ours: FaultRecord | undefined, theirs: FaultRecord | undefined): boolean {
  if (ours === undefined || theirs === undefined) return ours === theirs;
  return ours[0] === theirs[0] && ours[1] === theirs[1];
}

/** How many answers stand how to QEMU's. */
export function countVerdicts(answered: readonly { readonly verdict: Verdict }[]): Record<Verdict, number> {
  const counts = { equal: 0, different: 0, diverging: 0 };
  for (const { verdict } of answered) counts[verdict]++;
  return counts;
}
