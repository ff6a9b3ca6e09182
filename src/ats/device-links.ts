import { type FaultLog, ICE, ITE } from '../faults/fault-log.js';
import type { RegisterFile } from '../regs/register-file.js';
import type { StatePart } from '../state/state-part.js';
import type { StateReader } from '../state/state-reader.js';
import type { StateWriter } from '../state/state-writer.js';
import type { RemappingState } from '../walk/translator.js';
import type { DevicePort, DeviceTlbInvalidation, InvalidationCompletion } from './device-port.js';
import type { PageGroupResponse } from './page-request.js';

/** High half of the queue error record: ICESID above ITESID. */
const IQERCD_HIGH = 0xb4;
const TAGS = 32;

/** An invalidation that a device has not completed yet. */
interface Outstanding {
  readonly request: DeviceTlbInvalidation;
  /** The function by which its pending invalidations are counted: PFSID with ECAP.DIT, else the source-id. */
  readonly counted: number;
  /** Completion messages that have come. */
  received: number;
}

/** What the links to devices tell. */
export interface LinkListener {
  invalidation(request: DeviceTlbInvalidation): void;
  response(response: PageGroupResponse): void;
  /** An invalidation is not outstanding any more: it was completed. */
  completed(): void;
}

/** The links to devices with device-TLBs: invalidations until they are completed (§4.3), and responses. */
export class DeviceLinks implements StatePart {
  readonly #registers: RegisterFile;
  readonly #faults: FaultLog;
  readonly #state: RemappingState;
  readonly #listener: LinkListener;
  readonly #ports = new Map<number, DevicePort>();
  /** In the order in which they were sent. */
  #outstanding: Outstanding[] = [];

  constructor(registers: RegisterFile, faults: FaultLog, state: RemappingState, listener: LinkListener) {
    this.#registers = registers;
    this.#faults = faults;
    this.#state = state;
    this.#listener = listener;
  }

  /** @returns disconnects the port */
  attach(sourceId: number, port: DevicePort): () => void {
    if (this.#ports.has(sourceId)) {
      throw new Error(
        `source-id 0x${sourceId.toString(16)} has a device already: call what attachDevice returned first`,
      );
    }
    this.#ports.set(sourceId, port);
    return () => {
      if (this.#ports.get(sourceId) === port) this.#ports.delete(sourceId);
    };
  }

  get outstanding(): DeviceTlbInvalidation[] {
    return this.#outstanding.map(({ request }) => request);
  }

  /** Whether every invalidation was completed. */
  get isIdle(): boolean {
    return this.#outstanding.length === 0;
  }

  /**
   * Sends an invalidation. Where no device is, nothing is cached, and it is done at once.
   *
   * @param counted - the function by which they are counted
   * @param most - pending invalidations that this function takes (MIP)
   * @returns whether it was sent: not while no ITag is free, or the function has enough of them
   */
  invalidate(request: Omit<DeviceTlbInvalidation, 'tag'>, counted: number, most: number): boolean {
    const port = this.#ports.get(request.sourceId);
    if (port === undefined) {
      this.#listener.invalidation({ ...request, tag: 0 });
      return true;
    }
    const pending = this.#outstanding.filter((each) => each.counted === counted).length;
    if (this.#outstanding.length === TAGS || pending >= most) return false;
    const used = new Set(this.#outstanding.map((each) => each.request.tag));
    let tag = 0;
    while (used.has(tag)) tag++;
    const sent: Outstanding = { request: { ...request, tag }, counted, received: 0 };
    this.#outstanding.push(sent);
    this.#listener.invalidation(sent.request);
    port.invalidate(sent.request, () => {
      // the tag may have been given to another invalidation since
      const tags = this.#outstanding.includes(sent) ? 1 << tag : 0;
      this.complete({ sourceId: request.sourceId, tags });
    });
    return true;
  }

  /**
   * An Invalidate Completion message; one that names an ITag which that device was not sent is an error (ICE).
   *
   * @returns whether it is taken: not while remapping is off (§4.2.1)
   */
  complete({ sourceId, tags, count = 1 }: InvalidationCompletion): boolean {
    if (!this.#state.translation) return false;
    let unknown = tags;
    const done = new Set<Outstanding>();
    for (const each of this.#outstanding) {
      const bit = 1 << each.request.tag;
      if (each.request.sourceId !== sourceId || (tags & bit) === 0) continue;
      unknown &= ~bit;
      each.received++;
      if (each.received >= count) done.add(each);
    }
    this.#outstanding = this.#outstanding.filter((each) => !done.has(each));
    if (unknown !== 0 || tags === 0) this.#raise(ICE, sourceId);
    if (done.size > 0) this.#listener.completed();
    return true;
  }

  /** The completion time of all outstanding invalidations has passed. Answers how many there were. */
  timeOut(): number {
    const [first] = this.#outstanding;
    const count = this.#outstanding.length;
    this.#outstanding = [];
    if (first !== undefined) this.#raise(ITE, first.request.sourceId);
    return count;
  }

  /** Sends a page group response to its device. */
  respond(response: PageGroupResponse): void {
    this.#listener.response(response);
    this.#ports.get(response.sourceId)?.pageGroupResponse(response);
  }

  /** Nobody waits for completions any more. */
  reset(): void {
    this.#outstanding = [];
  }

  save(to: StateWriter): void {
    to.word(this.#outstanding.length);
    for (const { request, counted, received } of this.#outstanding) {
      to.word(request.tag);
      to.word(request.sourceId);
      to.word(request.pasid === undefined ? 0 : request.pasid + 1);
      to.word(request.global);
      to.wide(Number(request.address >> 12n));
      to.word(Math.log2(Number(request.size)));
      to.word(counted);
      to.word(received);
    }
  }

  load(from: StateReader): () => void {
    const count = from.whole('number of outstanding invalidations', 0, TAGS);
    const outstanding = Array.from({ length: count }, () => {
      const tag = from.whole('ITag', 0, TAGS - 1);
      const sourceId = from.whole('source-id', 0, 0xffff);
      const pasid = from.whole('PASID and 1, or 0', 0, 0x10_0000);
      const global = from.flag('whether an invalidation is of all PASIDs');
      const address = BigInt(from.wide('page of an invalidation', 0, 2 ** 52 - 1)) << 12n;
      const size = 1n << BigInt(from.whole('size of an invalidation', 12, 64));
      const counted = from.whole('function of an invalidation', 0, 0xffff);
      const received = from.whole('completion messages', 0, 7);
      const request = { sourceId, pasid: pasid === 0 ? undefined : pasid - 1, global, address, size, tag };
      return { request, counted, received };
    });
    if (new Set(outstanding.map(({ request }) => request.tag)).size < count) {
      throw from.refusal('an ITag stands there twice');
    }
    return () => {
      this.#outstanding = outstanding;
    };
  }

  /** The source-id of the first one stays as long as the status bit is set (§11.4.9.9). */
  #raise(bit: number, sourceId: number): void {
    const registers = this.#registers;
    if (!this.#faults.isRaised(bit)) {
      const ids = registers.get(IQERCD_HIGH);
      registers.set(IQERCD_HIGH, bit === ICE ? (ids & 0xffff) | (sourceId << 16) : (ids & ~0xffff) | sourceId);
    }
    this.#faults.raise(bit);
  }
}
