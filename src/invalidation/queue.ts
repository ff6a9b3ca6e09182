import type { DeviceDescriptors } from '../ats/device-descriptors.js';
import type { DeviceLinks } from '../ats/device-links.js';
import { type FaultLog, IQE, ITE } from '../faults/fault-log.js';
import type { EventInterrupt } from '../interrupts/event-message.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { Capabilities } from '../regs/capabilities.js';
import type { RegisterFile } from '../regs/register-file.js';
import type { StatePart } from '../state/state-part.js';
import type { StateReader } from '../state/state-reader.js';
import type { StateWriter } from '../state/state-writer.js';
import { reservedMask } from '../tables/entry-format.js';
import type { RemappingState } from '../walk/translator.js';
import { DESCRIPTORS, type DescriptorRow } from './descriptor-rows.js';
import type { InvalidationEffects } from './effects.js';

const FSTS = 0x34;
const IQH = 0x80;
const IQT = 0x88;
const IQA = 0x90;
const ICS = 0x9c;
const IQERCD = 0xb0;

/** Queue error codes (§11.4.9.9). */
const TAIL_BEYOND_QUEUE = 1;
const FETCH_ERROR = 2;
const INVALID_TYPE = 3;
const INVALID_DESCRIPTOR = 4;
const WRONG_WIDTH = 5;
const TAIL_NOT_ALIGNED = 6;
const INVALID_MODE = 7;

/** Not an error: the descriptor has to wait at the head of the queue. */
const HELD = -1;

const STOPPED = IQE | ITE;
const WORDS = 8;

/** Told of each descriptor that was executed. */
export type DescriptorListener = (name: string, words: Int32Array) => void;

/**
 * The invalidation queue (§6.5.2). A wait descriptor completes after the device-TLB invalidations before it: until the
 * devices have completed them nothing behind it is fetched. The head stands behind it then.
 */
export class InvalidationQueue implements StatePart {
  /** GSTS.QIES. */
  enabled = false;

  readonly #registers: RegisterFile;
  readonly #memory: GuestMemory;
  readonly #capabilities: Capabilities;
  readonly #state: RemappingState;
  readonly #faults: FaultLog;
  readonly #event: EventInterrupt;
  readonly #effects: InvalidationEffects;
  readonly #executed: DescriptorListener;
  readonly #links: DeviceLinks;
  readonly #devices: DeviceDescriptors;
  readonly #reserved = new Map<DescriptorRow, Int32Array>();
  readonly #words = new Int32Array(WORDS);
  /** The wait descriptor that waits for devices, and where it stands. */
  #waiting: { readonly words: Int32Array; readonly head: number } | undefined = undefined;
  /** The next descriptor has to wait until a device has completed an invalidation. */
  #held = false;

  constructor(parts: {
    registers: RegisterFile;
    memory: GuestMemory;
    capabilities: Capabilities;
    state: RemappingState;
    faults: FaultLog;
    event: EventInterrupt;
    effects: InvalidationEffects;
    executed: DescriptorListener;
    links: DeviceLinks;
    devices: DeviceDescriptors;
  }) {
    this.#registers = parts.registers;
    this.#memory = parts.memory;
    this.#capabilities = parts.capabilities;
    this.#state = parts.state;
    this.#faults = parts.faults;
    this.#event = parts.event;
    this.#effects = parts.effects;
    this.#executed = parts.executed;
    this.#links = parts.links;
    this.#devices = parts.devices;
    for (const row of DESCRIPTORS) this.#reserved.set(row, reservedMask(row, parts.capabilities));
    parts.registers.onWrite(ICS, () => {
      if ((parts.registers.get(ICS) & 1) === 0) this.#event.settle();
    });
  }

  /** Switches the queue on or off; off sets the head to 0 (§11.4.9.1). */
  enable(on: boolean): void {
    this.enabled = on;
    if (on) return;
    this.#registers.set(IQH, 0);
    this.abortWait();
  }

  /** The wait that waits for devices is not completed any more: one of them did not answer in time (§6.5.2.11). */
  abortWait(): void {
    this.#waiting = undefined;
    this.#held = false;
  }

  /** A device has completed an invalidation: there is room for another one. */
  release(): void {
    this.#held = false;
  }

  /** Whether there is a descriptor to fetch, or a wait to complete, and nothing that keeps the unit from it. */
  get ready(): boolean {
    const registers = this.#registers;
    if (this.#waiting !== undefined) return this.#links.isIdle;
    if (this.#held) return false;
    return this.enabled && registers.get(IQH) !== registers.get(IQT) && (registers.get(FSTS) & STOPPED) === 0;
  }

  /** Executes the next descriptor, or stops the queue with an error. Call it only when {@link ready}. */
  step(): void {
    if (this.#waiting !== undefined) {
      this.completeWait(this.#waiting);
      return;
    }
    const registers = this.#registers;
    const wide = (registers.get(IQA) & 0x800) !== 0;
    const error = this.queueError(wide) || this.fetch(wide) || this.execute(wide);
    if (error === HELD) {
      this.#held = true;
    } else if (error !== 0) this.fail(error);
    else {
      const bytes = wide ? 32 : 16;
      registers.set(IQH, ((registers.get(IQH) & -bytes) + bytes) % this.bytes);
    }
  }

  private fail(error: number): void {
    this.#registers.set(IQERCD, (this.#registers.get(IQERCD) & ~0xf) | error);
    this.#faults.raise(IQE);
  }

  /** The devices have completed what stood before a wait. If it cannot complete now, the queue stops at it after all. */
  private completeWait({ words, head }: { readonly words: Int32Array; readonly head: number }): void {
    this.#waiting = undefined;
    this.#words.set(words);
    const error = this.wait();
    if (error === 0) this.#executed('wait', this.#words);
    else {
      this.#registers.set(IQH, head);
      this.fail(error);
    }
  }

  private get bytes(): number {
    return 4096 << (this.#registers.get(IQA) & 7);
  }

  /** What is wrong with the queue as a whole; the most specific code comes first (§6.5.2.11). */
  private queueError(wide: boolean): number {
    const scalable = this.#capabilities.has('ECAP.SMTS');
    const abort = this.#capabilities.has('ECAP.ADMS');
    const { mode } = this.#state;
    if (mode === 2 || (mode === 1 && !scalable) || (mode === 3 && !abort)) return INVALID_MODE;
    if (wide ? !scalable && !abort : mode !== 0) return WRONG_WIDTH;
    const tail = this.#registers.get(IQT);
    if (wide && (tail & 0x10) !== 0) return TAIL_NOT_ALIGNED;
    return tail >= this.bytes ? TAIL_BEYOND_QUEUE : 0;
  }

  private fetch(wide: boolean): number {
    const registers = this.#registers;
    // software may have changed the width with the head where only a narrow descriptor can be
    const head = registers.get(IQH) & (wide ? ~0x1f : ~0xf);
    const base = (registers.get(IQA + 4) >>> 0) * 0x10_0000 + (registers.get(IQA) >>> 12);
    const frame = base + (head >>> 12);
    this.#words.fill(0);
    for (let word = 0; word < (wide ? 4 : 2); word++) {
      if (!this.#memory.loadEntry(frame, ((head & 0xfff) >>> 3) + word)) return FETCH_ERROR;
      this.#words[2 * word] = this.#memory.lo;
      this.#words[2 * word + 1] = this.#memory.hi;
    }
    return 0;
  }

  private execute(wide: boolean): number {
    const words = this.#words;
    const first = words[0] as number;
    const type = (first & 0xf) | ((first >> 5) & 0x70);
    const row = DESCRIPTORS.find((each) => each.type === type);
    if (row === undefined || !this.isValid(row, wide)) return INVALID_TYPE;
    const reserved = this.#reserved.get(row) as Int32Array;
    if (words.some((word, index) => (word & (reserved[index] as number)) !== 0)) return INVALID_DESCRIPTOR;
    const granularity = (first >> 4) & 3;
    if (row.granularities?.includes(granularity) === false) return INVALID_DESCRIPTOR;
    if (row.name === 'wait' && !this.#links.isIdle) {
      this.#waiting = { words: words.slice(), head: this.#registers.get(IQH) };
      return 0;
    }
    const error = this.perform(type, granularity);
    if (error === 0) this.#executed(row.name, words);
    return error;
  }

  save(to: StateWriter): void {
    to.word(this.#waiting !== undefined);
    if (this.#waiting === undefined) return;
    to.word(this.#waiting.head);
    to.words(this.#waiting.words);
  }

  load(from: StateReader): () => void {
    const isWaiting = from.flag('whether a wait descriptor waits for devices');
    const waiting = isWaiting ? { head: from.whole('its place', 0, 0x7_fff0), words: from.words(WORDS) } : undefined;
    return () => {
      this.#waiting = waiting;
      this.#held = false;
    };
  }

  /** The mode table of §6.5.2.11: the PASID types exist only where scalable or abort-DMA mode is in force. */
  private isValid(row: DescriptorRow, wide: boolean): boolean {
    if (row.needs !== undefined && !this.#capabilities.has(row.needs)) return false;
    return !row.wide || (wide && this.#state.mode !== 0);
  }

  private perform(type: number, granularity: number): number {
    const words = this.#words;
    const domainId = (words[0] as number) >>> 16;
    switch (type) {
      case 1:
        invalidateContexts(this.#effects, granularity, domainId, words[1] as number);
        return 0;
      case 2:
        return this.invalidateIotlb(granularity, domainId);
      case 3:
        return this.#devices.invalidate(words) ? 0 : HELD;
      case 4:
        if (granularity === 0) this.#effects.interruptEntriesGlobal();
        else this.#effects.interruptEntries((words[1] as number) & 0xffff, (words[0] as number) >>> 27);
        return 0;
      case 5:
        return this.wait();
      case 6:
        invalidatePasidIotlb(this.#effects, granularity, domainId, words);
        return 0;
      case 7:
        invalidatePasids(this.#effects, granularity, domainId, (words[1] as number) & 0xf_ffff);
        return 0;
      case 8:
        return this.#devices.invalidatePasid(words) ? 0 : HELD;
      case 9:
        return this.#devices.respond(words) ? 0 : INVALID_DESCRIPTOR;
      default:
        // no entry of a host permission table is cached that these could drop
        return 0;
    }
  }

  private invalidateIotlb(granularity: number, domainId: number): number {
    const mask = (this.#words[2] as number) & 0x3f;
    if (granularity === 3) {
      if (!this.#capabilities.has('CAP.PSI') || mask > this.#capabilities.get('CAP.MAMV')) return INVALID_DESCRIPTOR;
    }
    invalidateIotlb(this.#effects, granularity, domainId, this.#words[3] as number, this.#words[2] as number);
    return 0;
  }

  /** Wait descriptor (§6.5.2.9): tells software that everything before it is done. */
  private wait(): number {
    this.#effects.complete();
    const words = this.#words;
    const flags = words[0] as number;
    if ((flags & 0x20) !== 0) {
      // bits from the host address width up are ignored
      const high = (words[3] as number) & ((1 << (this.#capabilities.haw - 32)) - 1);
      const address = high * 0x1_0000_0000 + (((words[2] as number) & ~3) >>> 0);
      if (!this.#memory.write32(address, words[1] as number)) return INVALID_DESCRIPTOR;
    }
    if ((flags & 0x10) !== 0 && (this.#registers.get(ICS) & 1) === 0) {
      this.#registers.set(ICS, 1);
      this.#event.raise();
    }
    return 0;
  }
}

/** A context-cache invalidation of either interface. `source` holds the source-id, and the function mask above it. */
export function invalidateContexts(
  effects: InvalidationEffects,
  granularity: number,
  domainId: number,
  source: number,
) {
  if (granularity === 1) effects.contextGlobal();
  else if (granularity === 2) effects.contextDomain(domainId);
  else effects.contextDevice(domainId, source & 0xffff, (source >>> 16) & 3);
}

/** An IOTLB invalidation of either interface. `lo` holds the address mask in its low bits. */
export function invalidateIotlb(
  effects: InvalidationEffects,
  granularity: number,
  domainId: number,
  hi: number,
  lo: number,
) {
  if (granularity === 1) effects.iotlbGlobal();
  else if (granularity === 2) effects.iotlbDomain(domainId);
  else effects.iotlbPages(domainId, hi, lo & ~0xfff, lo & 0x3f);
}

function invalidatePasids(effects: InvalidationEffects, granularity: number, domainId: number, pasid: number): void {
  if (granularity === 3) effects.pasidGlobal();
  else if (granularity === 0) effects.pasidDomain(domainId);
  else effects.pasidSelective(domainId, pasid);
}

function invalidatePasidIotlb(
  effects: InvalidationEffects,
  granularity: number,
  domainId: number,
  words: Int32Array,
): void {
  const [, pasidWord = 0, lo = 0, hi = 0] = words;
  const pasid = pasidWord & 0xf_ffff;
  if (granularity === 2) effects.pasidIotlb(domainId, pasid);
  else effects.pasidIotlbPages(domainId, pasid, hi, lo & ~0xfff, lo & 0x3f);
}
