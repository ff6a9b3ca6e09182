import type { EventInterrupt } from '../interrupts/event-message.js';
import type { Capabilities } from '../regs/capabilities.js';
import type { RegisterFile } from '../regs/register-file.js';
import type { StatePart } from '../state/state-part.js';
import type { StateReader } from '../state/state-reader.js';
import type { StateWriter } from '../state/state-writer.js';
import { CONDITIONS } from '../walk/conditions.js';
import { REQUEST } from '../walk/request-kind.js';
import { EXECUTE, isPrivileged, kindBits, READ, WRITE, ZERO_LENGTH_READ } from '../walk/rights.js';

/** What became of a fault (§7.2.1). */
export type FaultOutcome =
  /** Stands in a fault recording register. */
  | 'recorded'
  /** Dropped: a fault of the same source-id is pending already. */
  | 'collapsed'
  /** Dropped: no recording register was free, or an overflow has not been cleared yet. */
  | 'overflow'
  /** Not recorded: fault processing is disabled for the requester. */
  | 'disabled'
  /** The architecture records no such refusal. */
  | 'unrecorded';

/** A request that was stopped, as its record tells it. */
export interface FaultyRequest {
  readonly sourceId: number;
  readonly pasid: number | undefined;
  readonly hi: number;
  readonly lo: number;
  /** The rights that it asked for. */
  readonly access: number;
  /** As of `REQUEST`. */
  readonly kind: number;
}

/** Bits of FSTS. */
const PFO = 1 << 0;
const PPF = 1 << 1;
export const IQE = 1 << 4;
export const ICE = 1 << 5;
export const ITE = 1 << 6;
const CONDITION_BITS = PFO | PPF | IQE | ICE | ITE;
const FRI_SHIFT = 8;

const FSTS = 0x34;

/** Words of a fault recording register. */
const FRCD_WORDS = 4;
/** In the highest word: the record is valid, T1, and the address type. In the word below it: T2. */
const F = 1 << 31;
const T1 = 1 << 30;
const AT_SHIFT = 28;
/** T1 and T2 tell a read (1, 0), a write (0, 0), an AtomicOp (1, 1) and a page request (0, 1) apart (§11.4.7.6). */
const T2 = 1 << 28;
/** The PASID prefix: present, execute, privileged; and in the highest word the PASID. */
const PP = 1 << 31;
const EXE = 1 << 30;
const PRIV = 1 << 29;
const PV_SHIFT = 8;

/** The fault status register, the fault recording registers and the fault event (§7.2, §7.3). */
export class FaultLog implements StatePart {
  readonly #registers: RegisterFile;
  readonly #event: EventInterrupt;
  readonly #first: number;
  readonly #count: number;
  /** Address bits that a record can hold: those of the largest address width. */
  readonly #addressMaskHi: number;
  readonly #hasAddressType: boolean;
  readonly #hasPasids: boolean;
  /** The record that the next fault takes. */
  #next = 0;

  constructor(registers: RegisterFile, capabilities: Capabilities, event: EventInterrupt) {
    this.#registers = registers;
    this.#event = event;
    this.#first = registers.offsetOf('FRCD', 0);
    this.#count = capabilities.get('CAP.NFR') + 1;
    const sagaw = capabilities.get('CAP.SAGAW');
    this.#addressMaskHi = (1 << ((sagaw & 8 ? 57 : sagaw & 4 ? 48 : 39) - 32)) - 1;
    this.#hasAddressType = capabilities.has('ECAP.DT');
    this.#hasPasids = capabilities.has('ECAP.PASID');
    registers.onWrite(FSTS, () => this.#settle());
    for (let record = 0; record < this.#count; record++) {
      registers.onWrite(this.#offset(record) + 12, () => this.#recordsChanged());
    }
  }

  /**
   * Records a fault, if the architecture lets it (§7.2.1).
   *
   * @param faultsDisabled - FPD was set on the way
   */
  record(
    condition: number,
    faultsDisabled: boolean,
    { sourceId, pasid, hi, lo, access, kind }: FaultyRequest,
  ): FaultOutcome {
    // an access to the interrupt range that is no interrupt request has no defined address field (§11.4.7.6)
    const hasAddress = CONDITIONS[condition]?.code !== 0x29;
    const isPage = kind === REQUEST.page;
    const wanted = kindBits(access);
    const reads = !isPage && (wanted & (READ | ZERO_LENGTH_READ)) !== 0;
    const type = (reads ? T1 : 0) | (this.#hasAddressType && !isPage ? kind << AT_SHIFT : 0);
    return this.#store(
      condition,
      faultsDisabled,
      sourceId,
      hasAddress ? hi & this.#addressMaskHi : 0,
      hasAddress ? lo & ~0xfff : 0,
      (isPage || (reads && (wanted & WRITE) !== 0) ? T2 : 0) | this.#prefixBits(pasid, access),
      type | (this.#hasPasids ? (pasid ?? 0) << PV_SHIFT : 0),
    );
  }

  /**
   * Records a fault of an interrupt request, as {@link record} does.
   *
   * @param index - the interrupt index; 0 where the fault information is undefined (§11.4.7.6)
   */
  recordInterrupt(condition: number, faultsDisabled: boolean, sourceId: number, index: number): FaultOutcome {
    return this.#store(condition, faultsDisabled, sourceId, index << 16, 0, 0, 0);
  }

  #store(
    condition: number,
    faultsDisabled: boolean,
    sourceId: number,
    informationHi: number,
    informationLo: number,
    sourceBits: number,
    reasonBits: number,
  ): FaultOutcome {
    const { code, qualified } = CONDITIONS[condition] as (typeof CONDITIONS)[number];
    if (code === undefined) return 'unrecorded';
    if (qualified && faultsDisabled) return 'disabled';
    const registers = this.#registers;
    if ((registers.get(FSTS) & PFO) !== 0) return 'overflow';
    if (this.#isPending(sourceId)) return 'collapsed';
    const at = this.#offset(this.#next);
    if ((registers.get(at + 12) & F) !== 0) {
      registers.set(FSTS, registers.get(FSTS) | PFO);
      return 'overflow';
    }
    registers.set(at, informationLo);
    registers.set(at + 4, informationHi);
    registers.set(at + 8, sourceId | sourceBits);
    registers.set(at + 12, F | reasonBits | code);
    this.#next = (this.#next + 1) % this.#count;
    const status = registers.get(FSTS);
    this.#recordsChanged();
    if ((status & CONDITION_BITS) === 0) this.#event.raise();
    return 'recorded';
  }

  /** What the PASID prefix of the request said: that there was one, and its two attributes. */
  #prefixBits(pasid: number | undefined, access: number): number {
    if (!this.#hasPasids || pasid === undefined) return 0;
    const executes = (access & EXECUTE) !== 0 && (kindBits(access) & WRITE) === 0;
    return PP | (executes ? EXE : 0) | (isPrivileged(access) ? PRIV : 0);
  }

  /** An invalidation error arose: sets its status bit and tells software, unless a condition was pending already. */
  raise(bit: number): void {
    const status = this.#registers.get(FSTS);
    this.#registers.set(FSTS, status | bit);
    if ((status & CONDITION_BITS) === 0) this.#event.raise();
  }

  /** Whether the status bit of an invalidation error is set. */
  isRaised(bit: number): boolean {
    return (this.#registers.get(FSTS) & bit) !== 0;
  }

  /** Both kinds of remapping are off: recording begins anew at the first register (§7.2.1). */
  restart(): void {
    this.#next = 0;
  }

  /** The records and the pending event stand in registers. */
  save(to: StateWriter): void {
    to.word(this.#next);
  }

  load(from: StateReader): () => void {
    const next = from.whole('the next record', 0, this.#count - 1);
    return () => {
      this.#next = next;
    };
  }

  #offset(record: number): number {
    return this.#first + record * FRCD_WORDS * 4;
  }

  #isPending(sourceId: number): boolean {
    for (let record = 0; record < this.#count; record++) {
      const at = this.#offset(record);
      if ((this.#registers.get(at + 12) & F) !== 0 && (this.#registers.get(at + 8) & 0xffff) === sourceId) return true;
    }
    return false;
  }

  /** PPF is the OR of all F bits; FRI names the oldest pending record (§11.4.7.1). */
  #recordsChanged(): void {
    const registers = this.#registers;
    let status = registers.get(FSTS) & ~(PPF | (0xff << FRI_SHIFT));
    for (let step = 0; step < this.#count; step++) {
      const record = (this.#next + step) % this.#count;
      if ((registers.get(this.#offset(record) + 12) & F) === 0) continue;
      status |= PPF | (record << FRI_SHIFT);
      break;
    }
    registers.set(FSTS, status);
    this.#settle();
  }

  #settle(): void {
    if ((this.#registers.get(FSTS) & CONDITION_BITS) === 0) this.#event.settle();
  }
}
