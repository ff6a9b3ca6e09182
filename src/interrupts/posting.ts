import type { GuestMemory } from '../memory/guest-memory.js';
import type { Capabilities } from '../regs/capabilities.js';
import { type EntryFormat, reservedMask } from '../tables/entry-format.js';
import { POSTED_DESCRIPTOR, POSTED_DESCRIPTOR_X2APIC } from '../tables/interrupt-entries.js';
import { conditionId, OK } from '../walk/conditions.js';
import type { WalkObserver } from '../walk/observer.js';
import type { InterruptState } from './interrupt-state.js';
import { ASSERTED, messageAddress, messageUpperAddress } from './message.js';

const INACCESSIBLE = conditionId('0x27');
const RESERVED = conditionId('0x28');

/** Words of a descriptor, which holds PIR in the first eight; then ON, SN and NV, then NDST. */
const WORDS = 16;
const CONTROL = 8;
const NDST = 9;
const ON = 1 << 0;
const SN = 1 << 1;

/** Another agent may change a descriptor between its being read and exchanged; not more often than this. */
const MOST_ATTEMPTS = 64;

/** Posts interrupts into descriptors in memory (§5.2.3, §9.11). The result of the last one stands in the fields. */
export class InterruptPosting {
  /** Whether a notification goes out, and its message. */
  notifies = false;
  address = 0;
  upperAddress = 0;
  data = 0;

  readonly #memory: GuestMemory;
  readonly #state: InterruptState;
  readonly #reserved: Int32Array;
  readonly #reservedX2apic: Int32Array;
  readonly #old = new Int32Array(WORDS);
  readonly #fresh = new Int32Array(WORDS);

  constructor(memory: GuestMemory, capabilities: Capabilities, state: InterruptState) {
    this.#memory = memory;
    this.#state = state;
    this.#reserved = reservedMask(POSTED_DESCRIPTOR, capabilities);
    this.#reservedX2apic = reservedMask(POSTED_DESCRIPTOR_X2APIC, capabilities);
  }

  /** The layout of a descriptor. */
  get format(): EntryFormat {
    return this.#state.extended ? POSTED_DESCRIPTOR_X2APIC : POSTED_DESCRIPTOR;
  }

  /**
   * Sets the request bit of a vector, and ON if a notification has to go out; all in one indivisible step.
   *
   * @param hi - address of the descriptor in two halves, a multiple of 64
   * @param urgent - a notification goes out even while they are suppressed
   * @returns {@link OK}, or the condition that keeps the descriptor as it is
   */
  post(hi: number, lo: number, vector: number, urgent: boolean): number {
    const address = (hi >>> 0) * 0x1_0000_0000 + (lo >>> 0);
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const condition = this.look(hi, lo, vector, urgent);
      if (condition !== OK) return condition;
      const done = this.#memory.compareExchange(address, this.#old, this.#fresh);
      if (done === undefined) return INACCESSIBLE;
      if (done) return OK;
    }
    return INACCESSIBLE;
  }

  /** What {@link post} would answer and leave in the fields, without changing memory. */
  look(hi: number, lo: number, vector: number, urgent: boolean, observer: WalkObserver | null = null): number {
    const readable = this.#load(hi, lo, observer);
    if (!readable) return INACCESSIBLE;
    const old = this.#old;
    const reserved = this.#state.extended ? this.#reservedX2apic : this.#reserved;
    for (let word = CONTROL; word < WORDS; word++) {
      if (((old[word] as number) & (reserved[word] as number)) !== 0) return RESERVED;
    }
    const fresh = this.#fresh;
    fresh.set(old);
    fresh[vector >>> 5] = (fresh[vector >>> 5] as number) | (1 << (vector & 31));
    const control = old[CONTROL] as number;
    this.notifies = (control & ON) === 0 && (urgent || (control & SN) === 0);
    if (this.notifies) {
      fresh[CONTROL] = control | ON;
      const ndst = old[NDST] as number;
      const destination = this.#state.extended ? ndst : (ndst >>> 8) & 0xff;
      this.address = messageAddress(destination, 0);
      this.upperAddress = messageUpperAddress(destination);
      this.data = ((control >>> 16) & 0xff) | ASSERTED;
    }
    return OK;
  }

  #load(hi: number, lo: number, observer: WalkObserver | null): boolean {
    const frame = (hi >>> 0) * 0x10_0000 + (lo >>> 12);
    const first = (lo & 0xfff) >>> 3;
    const old = this.#old;
    let readable = true;
    for (let word = 0; word < WORDS && readable; word += 2) {
      readable = this.#memory.loadEntry(frame, first + (word >>> 1));
      old[word] = this.#memory.lo;
      old[word + 1] = this.#memory.hi;
    }
    const words = readable ? [...old] : [];
    observer?.entry({ format: this.format, level: 0, frame, index: first >>> 3, words, forTable: false });
    return readable;
  }
}
