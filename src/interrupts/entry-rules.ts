import { CELL } from '../caches/interrupt-entry-cache.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { Capabilities } from '../regs/capabilities.js';
import { type EntryFormat, reservedMask } from '../tables/entry-format.js';
import { POSTED_ENTRY, REMAPPED_ENTRY, REMAPPED_ENTRY_X2APIC } from '../tables/interrupt-entries.js';
import { conditionId, OK } from '../walk/conditions.js';
import type { WalkObserver } from '../walk/observer.js';
import type { RemappingState } from '../walk/translator.js';
import type { InterruptState } from './interrupt-state.js';
import { ASSERTED, LEVEL_TRIGGERED, messageAddress, messageUpperAddress } from './message.js';
import { hasSubhandle, interruptIndex, isRemappable, REMAPPABLE_WITH_SUBHANDLE } from './request.js';
import { mayUse, preparedMask, preparedSource, validationType } from './source.js';

const { SOURCE, SOURCE_MASK, STATE, ADDRESS, UPPER_ADDRESS, DATA } = CELL;

const REQUIRED_BUT_OFF = conditionId('0x2b');
const NOT_EXTENDED = conditionId('0x2a');
const COMPATIBILITY_BLOCKED = conditionId('0x25');
const RESERVED_IN_REQUEST = conditionId('0x20');
const BEYOND_TABLE = conditionId('0x21');
const UNREADABLE = conditionId('0x23');
const NOT_PRESENT = conditionId('0x22');
const WRONG_SOURCE = conditionId('0x26');
const WRONG_ENTRY = conditionId('0x24');

/** What {@link InterruptRules.beforeTable} answers for a request that is delivered as it was sent. */
export const PASS = -1;

/** Flags of a decoded entry's state; the condition of the entry stands above them. */
export const ENTRY_FLAGS = { FAULTS_DISABLED: 1, POSTED: 2, URGENT: 4 } as const;
const CONDITION_SHIFT = 8;

/** Bits of the low word of an entry. */
const P = 1 << 0;
const FPD = 1 << 1;
const TM = 1 << 4;
const URG = 1 << 14;
const IM = 1 << 15;

/** Delivery modes that are not defined. */
const UNDEFINED_MODES = (1 << 3) | (1 << 6);

/** Entries in a page. */
const PAGE_ENTRIES = 256;

/**
 * The rule book of interrupt requests, in the order of §5.1.4: what stops a request before the table, what an entry
 * means, and for whom it is. Requests and explanations go by it. It reads memory and changes nothing.
 */
export class InterruptRules {
  readonly state: InterruptState;
  readonly remapping: RemappingState;
  readonly #memory: GuestMemory;
  readonly #required: boolean;
  readonly #extendedRequired: boolean;
  /** Page numbers below the host address width. */
  readonly #hostFrames: number;
  readonly #requestReserved: number;
  readonly #remappedReserved: Int32Array;
  readonly #remappedReservedX2apic: Int32Array;
  readonly #postedReserved: Int32Array;

  constructor(memory: GuestMemory, capabilities: Capabilities, remapping: RemappingState, state: InterruptState) {
    this.state = state;
    this.remapping = remapping;
    this.#memory = memory;
    this.#required = capabilities.has('ECAP.IRREQ');
    this.#extendedRequired = capabilities.has('ECAP.EIMER');
    this.#hostFrames = 2 ** (capabilities.haw - 12);
    this.#requestReserved = reservedMask(REMAPPABLE_WITH_SUBHANDLE, capabilities)[1] as number;
    this.#remappedReserved = reservedMask(REMAPPED_ENTRY, capabilities);
    this.#remappedReservedX2apic = reservedMask(REMAPPED_ENTRY_X2APIC, capabilities);
    this.#postedReserved = reservedMask(POSTED_ENTRY, capabilities);
  }

  /** What stops a request before an entry is looked at; {@link OK} if one has to be, {@link PASS} if none has. */
  beforeTable(address: number, data: number): number {
    if (!this.remapping.interruptRemapping) return this.#required ? REQUIRED_BUT_OFF : PASS;
    const { extended, compatibility } = this.state;
    if (this.#extendedRequired && !extended) return NOT_EXTENDED;
    if (!isRemappable(address)) return extended || !compatibility ? COMPATIBILITY_BLOCKED : PASS;
    if (hasSubhandle(address) && (data & this.#requestReserved) !== 0) return RESERVED_IN_REQUEST;
    return interruptIndex(address, data) < this.state.entries ? OK : BEYOND_TABLE;
  }

  /**
   * Reads an entry, and leaves in `cells` from `at` on what it means to a request (`CELL`).
   *
   * @param index - below the number of entries
   */
  read(index: number, cells: Int32Array, at: number, observer: WalkObserver | null = null): void {
    const memory = this.#memory;
    const frame = this.state.table + (index >>> 8);
    if (frame >= this.#hostFrames) {
      cells[at | STATE] = BEYOND_TABLE << CONDITION_SHIFT;
      return;
    }
    const place = index & (PAGE_ENTRIES - 1);
    let readable = memory.loadEntry(frame, 2 * place);
    const { lo, hi } = memory;
    readable = readable && memory.loadEntry(frame, 2 * place + 1);
    const { lo: third, hi: fourth } = memory;
    if (observer !== null) {
      const words = readable ? [lo, hi, third, fourth] : [];
      observer.entry({ format: this.formatOf(lo), level: 0, frame: this.state.table, index, words, forTable: false });
    }
    const condition = readable ? this.#check(lo, hi, third, fourth) : UNREADABLE;
    // FPD counts even in an entry that is not present (§9.9)
    const disabled = readable && (lo & FPD) !== 0 ? ENTRY_FLAGS.FAULTS_DISABLED : 0;
    cells[at | SOURCE] = preparedSource(third);
    cells[at | SOURCE_MASK] = preparedMask(third);
    if ((lo & IM) === 0) this.#fillMessage(cells, at, lo, hi);
    else {
      cells[at | ADDRESS] = hi & ~0x3f;
      cells[at | UPPER_ADDRESS] = fourth;
      cells[at | DATA] = (lo >>> 16) & 0xff;
    }
    const posted = (lo & IM) === 0 ? 0 : ENTRY_FLAGS.POSTED | ((lo & URG) === 0 ? 0 : ENTRY_FLAGS.URGENT);
    cells[at | STATE] = (condition << CONDITION_SHIFT) | disabled | posted;
  }

  /** What a decoded entry answers to a requester: a condition, or {@link OK}. */
  verdict(cells: Int32Array, at: number, sourceId: number): number {
    const condition = conditionOf(cells[at | STATE] as number);
    if (condition === NOT_PRESENT || condition === UNREADABLE || condition === BEYOND_TABLE) return condition;
    if (!mayUse(cells[at | SOURCE] as number, cells[at | SOURCE_MASK] as number, sourceId)) return WRONG_SOURCE;
    return condition;
  }

  /**
   * Whether a decoded entry may be cached (§6.1).
   *
   * @param faulty - those that are not present or wrong may be, too
   */
  isCacheable(cells: Int32Array, at: number, faulty: boolean): boolean {
    const condition = conditionOf(cells[at | STATE] as number);
    return condition === OK || (faulty && (condition === NOT_PRESENT || condition === WRONG_ENTRY));
  }

  /** The layout of an entry, by its low word. */
  formatOf(lo: number): EntryFormat {
    if ((lo & IM) !== 0) return POSTED_ENTRY;
    return this.state.extended ? REMAPPED_ENTRY_X2APIC : REMAPPED_ENTRY;
  }

  #check(lo: number, hi: number, third: number, fourth: number): number {
    if ((lo & P) === 0) return NOT_PRESENT;
    const posted = (lo & IM) !== 0;
    const remapped = this.state.extended ? this.#remappedReservedX2apic : this.#remappedReserved;
    const reserved = posted ? this.#postedReserved : remapped;
    const violated =
      (lo & (reserved[0] as number)) |
      (hi & (reserved[1] as number)) |
      (third & (reserved[2] as number)) |
      (fourth & (reserved[3] as number));
    if (violated !== 0 || validationType(third) === 3) return WRONG_ENTRY;
    return !posted && (UNDEFINED_MODES & (1 << ((lo >>> 5) & 7))) !== 0 ? WRONG_ENTRY : OK;
  }

  /** A remapped request is always asserted (§5.1.4). */
  #fillMessage(cells: Int32Array, at: number, lo: number, hi: number): void {
    const destination = this.state.extended ? hi : (hi >>> 8) & 0xff;
    // DM stands in bit 2 and RH in bit 3, as in the address
    cells[at | ADDRESS] = messageAddress(destination, lo);
    cells[at | UPPER_ADDRESS] = messageUpperAddress(destination);
    const trigger = (lo & TM) === 0 ? 0 : LEVEL_TRIGGERED;
    cells[at | DATA] = ((lo >>> 16) & 0xff) | (((lo >>> 5) & 7) << 8) | ASSERTED | trigger;
  }
}

function conditionOf(state: number): number {
  return state >>> CONDITION_SHIFT;
}
