import { CELL, type InterruptEntryCache } from '../caches/interrupt-entry-cache.js';
import type { CachePolicy } from '../caches/policy.js';
import { type Fault, type FaultEvent, faultEvent, faultOf } from '../faults/fault.js';
import type { FaultLog } from '../faults/fault-log.js';
import type { Capabilities } from '../regs/capabilities.js';
import { conditionId } from '../walk/conditions.js';
import { REQUEST } from '../walk/request-kind.js';
import { ACCESS } from '../walk/rights.js';
import type { RemappingState } from '../walk/translator.js';
import { ENTRY_FLAGS, type InterruptRules, PASS } from './entry-rules.js';
import type { InterruptState } from './interrupt-state.js';
import { type InterruptMessage, interruptMessage } from './message.js';
import type { InterruptPosting } from './posting.js';
import { type InterruptRequest, interruptIndex } from './request.js';

// Local constants: V8 folds them into the code, while it reads an imported one from its module each time.
const { TAG, SOURCE, SOURCE_MASK, STATE, ADDRESS, UPPER_ADDRESS, DATA } = CELL;
const { FAULTS_DISABLED, POSTED, URGENT } = ENTRY_FLAGS;
const OK = conditionId('ok');
const indexOf = interruptIndex;

const REMAPPABLE = 1 << 4;
const SHV = 1 << 3;

const CAUSES = { message: 'remapped', pass: 'passed', posted: 'notification' } as const;

/** Conditions that have no interrupt index, or before it was known (§11.4.7.6). */
const WITHOUT_INDEX = ['0x20', '0x25', '0x2a', '0x2b'].map(conditionId);

/** What became of an interrupt request. */
export type InterruptVerdict =
  /** Remapped: the message goes to the APICs. */
  | 'message'
  /** Delivered as it was sent: remapping is off, or lets requests in compatibility format pass. */
  | 'pass'
  /** Posted into a descriptor in memory. */
  | 'posted'
  /** Stopped by a fault. */
  | 'blocked';

/** What became of an interrupt request, as an object. */
export type InterruptAnswer =
  | { readonly kind: 'message' | 'pass'; readonly message: InterruptMessage }
  | {
      readonly kind: 'posted';
      /** Host address of the posted-interrupt descriptor. */
      readonly descriptor: number;
      /** The virtual vector, whose bit in the descriptor is set now. */
      readonly vector: number;
      /** The notification that goes to the APICs; `undefined` if one is outstanding already, or suppressed. */
      readonly notification: InterruptMessage | undefined;
    }
  | { readonly kind: 'blocked'; readonly fault: Fault };

/** A message that goes to the APICs on account of a device's interrupt request. */
export interface InterruptEvent extends InterruptMessage {
  /** The request was remapped, or passed as it was sent; or it was posted, and this is the notification. */
  readonly cause: 'remapped' | 'passed' | 'notification';
  readonly request: InterruptRequest;
}

/** An interrupt request that was posted into memory. */
export interface PostedEvent {
  readonly request: InterruptRequest;
  /** Host address of the descriptor, and the virtual vector whose bit was set there. */
  readonly descriptor: number;
  readonly vector: number;
  /** Whether a notification goes out. */
  readonly notified: boolean;
}

/** Who is told of what interrupt requests lead to. */
export interface InterruptListener {
  listenerCount(name: 'fault'): number;
  emit(name: 'interrupt', event: InterruptEvent): boolean;
  emit(name: 'posted', event: PostedEvent): boolean;
  emit(name: 'fault', event: FaultEvent): boolean;
}

/**
 * The way of interrupt requests through a unit: `IntelIommu.interrupts`. {@link remap} leaves its result in the fields, and
 * allocates nothing; `IntelIommu.interrupt` answers an object. The
 * unit's events tell of both; listeners that come back here change the fields.
 *
 * @example
 * const { interrupts } = unit;
 * if (interrupts.remap(0x0010, 0xfee00038, 2) === 'message') apic.route(interrupts.destination, interrupts.vector);
 */
export class InterruptRemapping {
  /** The message of the last request that was not blocked, as 32-bit words (signed); of a posted one the notification. */
  address = 0;
  upperAddress = 0;
  data = 0;
  /** Of the last request that was posted: where the descriptor is, and the virtual vector. */
  descriptor = 0;
  postedVector = 0;
  /** Whether a posted request leads to a notification. */
  notifies = false;
  /** @internal somebody listens to `interrupt` or `posted` */
  watched = false;
  /** @internal requests, and those of them that the entry cache answered */
  requests = 0;
  /** @internal */
  hits = 0;
  /** @internal */
  faults = 0;

  readonly #rules: InterruptRules;
  // no #private names: reading those is slower on the path of a request
  private readonly remapping: RemappingState;
  private readonly state: InterruptState;
  private readonly extendedRequired: boolean;
  private readonly cache: InterruptEntryCache;
  private readonly listener: InterruptListener;
  readonly #posting: InterruptPosting;
  readonly #keeps: boolean;
  readonly #keepsFaulty: boolean;
  readonly #log: FaultLog;
  private condition = OK;

  /** @internal made by `IntelIommu` */
  constructor(
    rules: InterruptRules,
    posting: InterruptPosting,
    cache: InterruptEntryCache,
    policy: CachePolicy,
    capabilities: Capabilities,
    log: FaultLog,
    listener: InterruptListener,
  ) {
    this.#rules = rules;
    this.remapping = rules.remapping;
    this.state = rules.state;
    this.extendedRequired = capabilities.has('ECAP.EIMER');
    this.#posting = posting;
    this.cache = cache;
    this.#keeps = policy.interruptEntries > 0;
    this.#keepsFaulty = capabilities.has('CAP.CM') && policy.notPresent;
    this.#log = log;
    this.listener = listener;
  }

  /** Destination of the last message: an APIC id of 8 or 32 bits, or a logical destination. */
  get destination(): number {
    return ((this.upperAddress & ~0xff) | ((this.address >>> 12) & 0xff)) >>> 0;
  }

  /** Vector of the last message. */
  get vector(): number {
    return this.data & 0xff;
  }

  /** The last message with all its fields. */
  get message(): InterruptMessage {
    return interruptMessage(this.address, this.upperAddress, this.data);
  }

  /** Why the last request was blocked; `undefined` if it was not. */
  get lastFault(): Fault | undefined {
    return this.condition === OK ? undefined : faultOf(this.condition);
  }

  /**
   * Takes an interrupt request through the unit, and leaves the result in the fields.
   *
   * @param sourceId - requester id, 0 to 0xFFFF
   * @param address - 32-bit address in 0xFEEx_xxxx, signed or unsigned; its bits 31:20 are not looked at
   * @param data - the dword, signed or unsigned
   */
  remap(sourceId: number, address: number, data: number): InterruptVerdict {
    const { state, cache } = this;
    this.requests++;
    if (
      this.remapping.interruptRemapping &&
      (state.extended || !this.extendedRequired) &&
      (address & REMAPPABLE) !== 0 &&
      ((address & SHV) === 0 || data >>> 16 === 0)
    ) {
      const index = indexOf(address, data);
      const { cells } = cache;
      const at = (index & cache.mask) << 3;
      if (
        cells[at | TAG] === index + 1 &&
        index < state.entries &&
        ((sourceId ^ (cells[at | SOURCE] as number)) & (cells[at | SOURCE_MASK] as number)) === 0 &&
        cells[at | STATE] === 0
      ) {
        this.hits++;
        this.condition = OK;
        this.address = cells[at | ADDRESS] as number;
        this.upperAddress = cells[at | UPPER_ADDRESS] as number;
        this.data = cells[at | DATA] as number;
        if (this.watched) this.tell('message', sourceId, address, data);
        return 'message';
      }
    }
    const verdict = this.decide(sourceId, address | 0, data | 0);
    this.tell(verdict, sourceId, address, data);
    return verdict;
  }

  /** The same with an object as the result. */
  answer({ sourceId, address, data }: InterruptRequest): InterruptAnswer {
    this.requests++;
    const kind = this.decide(sourceId, address | 0, data | 0);
    // what listeners do may come back here, and change the fields
    const answer = this.made(kind);
    this.tell(kind, sourceId, address, data);
    return answer;
  }

  /** @internal a device's dword; answers the condition that stops it, or `OK` */
  write(sourceId: number, address: number, data: number): number {
    const verdict = this.remap(sourceId, address, data);
    return verdict === 'blocked' ? this.condition : OK;
  }

  private made(kind: InterruptVerdict): InterruptAnswer {
    if (kind === 'blocked') return { kind, fault: faultOf(this.condition) };
    if (kind !== 'posted') return { kind, message: this.message };
    const { descriptor, postedVector: vector, notifies } = this;
    return { kind, descriptor, vector, notification: notifies ? this.message : undefined };
  }

  private decide(sourceId: number, address: number, data: number): InterruptVerdict {
    const condition = this.#rules.beforeTable(address, data);
    if (condition === PASS) return this.deliver('pass', address & ~3, 0, data);
    if (condition !== OK) return this.refuse(condition, false, sourceId, address, data);
    const at = this.entry(interruptIndex(address, data));
    const { cells } = this.cache;
    const state = cells[at | STATE] as number;
    const faultsDisabled = (state & FAULTS_DISABLED) !== 0;
    const trouble = this.#rules.verdict(cells, at, sourceId);
    if (trouble !== OK) return this.refuse(trouble, faultsDisabled, sourceId, address, data);
    const lo = cells[at | ADDRESS] as number;
    const hi = cells[at | UPPER_ADDRESS] as number;
    const last = cells[at | DATA] as number;
    if ((state & POSTED) === 0) return this.deliver('message', lo, hi, last);
    const posting = this.#posting;
    const failure = posting.post(hi, lo, last, (state & URGENT) !== 0);
    if (failure !== OK) return this.refuse(failure, faultsDisabled, sourceId, address, data);
    this.descriptor = (hi >>> 0) * 0x1_0000_0000 + (lo >>> 0);
    this.postedVector = last;
    this.notifies = posting.notifies;
    return this.deliver('posted', posting.address, posting.upperAddress, posting.data);
  }

  private deliver(verdict: InterruptVerdict, address: number, upperAddress: number, data: number): InterruptVerdict {
    this.condition = OK;
    this.address = address;
    this.upperAddress = upperAddress;
    this.data = data;
    return verdict;
  }

  /** Where the decoded entry of an index stands: cached, or read. */
  private entry(index: number): number {
    const { cache } = this;
    const found = cache.find(index);
    if (found >= 0) {
      this.hits++;
      return found;
    }
    const at = cache.place(index);
    this.#rules.read(index, cache.cells, at);
    const stays = this.#keeps && this.#rules.isCacheable(cache.cells, at, this.#keepsFaulty);
    cache.cells[at | TAG] = stays ? index + 1 : 0;
    return at;
  }

  private refuse(
    condition: number,
    faultsDisabled: boolean,
    sourceId: number,
    address: number,
    data: number,
  ): InterruptVerdict {
    this.faults++;
    const index = WITHOUT_INDEX.includes(condition) ? undefined : interruptIndex(address, data);
    const outcome = this.#log.recordInterrupt(condition, faultsDisabled, sourceId, index ?? 0);
    const { listener } = this;
    if (listener.listenerCount('fault') > 0) {
      const request = {
        sourceId,
        pasid: undefined,
        hi: 0,
        lo: address,
        access: ACCESS.write,
        kind: REQUEST.untranslated,
      };
      listener.emit('fault', { ...faultEvent(condition, request, outcome), interruptIndex: index });
    }
    // after the listeners, since what they do may come back here
    this.condition = condition;
    return 'blocked';
  }

  /** Tells the listeners of what the fields hold. A posted request is in memory before its notification (§5.2.3). */
  private tell(verdict: InterruptVerdict, sourceId: number, address: number, data: number): void {
    const { listener } = this;
    if (!this.watched || verdict === 'blocked') return;
    const { descriptor, postedVector: vector, notifies: notified, message } = this;
    const request = { sourceId, address: address >>> 0, data: data >>> 0 };
    if (verdict === 'posted') listener.emit('posted', { request, descriptor, vector, notified });
    if (verdict === 'posted' && !notified) return;
    listener.emit('interrupt', { ...message, cause: CAUSES[verdict], request });
  }
}
