import { DeviceDescriptors } from '../ats/device-descriptors.js';
import { DeviceLinks } from '../ats/device-links.js';
import type { DevicePort, DeviceTlbInvalidation, InvalidationCompletion } from '../ats/device-port.js';
import { DeviceTranslations } from '../ats/device-translations.js';
import type { PageGroupResponse, PageRequest, PageRequestOutcome } from '../ats/page-request.js';
import { PageRequestQueue } from '../ats/page-request-queue.js';
import { PageRequests } from '../ats/page-requests.js';
import { InterruptEntryCache } from '../caches/interrupt-entry-cache.js';
import { Iotlb } from '../caches/iotlb.js';
import { iotlbState } from '../caches/iotlb-state.js';
import { cachePolicy } from '../caches/policy.js';
import { policyState } from '../caches/policy-state.js';
import type { FaultEvent } from '../faults/fault.js';
import { FaultLog } from '../faults/fault-log.js';
import { explainRequest } from '../inspect/explain.js';
import { explainInterruptRequest } from '../inspect/explain-interrupt.js';
import type { ExplainRequest, Explanation } from '../inspect/explanation.js';
import type { InterruptExplanation } from '../inspect/interrupt-explanation.js';
import { InterruptRules } from '../interrupts/entry-rules.js';
import { EventInterrupt, type EventMessage } from '../interrupts/event-message.js';
import {
  type InterruptAnswer,
  type InterruptEvent,
  InterruptRemapping,
  type PostedEvent,
} from '../interrupts/interrupt-remapping.js';
import { RESET_INTERRUPT_STATE } from '../interrupts/interrupt-state.js';
import { interruptTableState } from '../interrupts/interrupt-table-state.js';
import { InterruptPosting } from '../interrupts/posting.js';
import type { InterruptRequest } from '../interrupts/request.js';
import { InvalidationQueue } from '../invalidation/queue.js';
import { RegisterInvalidation } from '../invalidation/register-commands.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { MapEvent, UnmapEvent } from '../notifier/notifier.js';
import { addressHalves, IommuMemoryRegion, type RegionOwner, type ReplayOptions } from '../notifier/region.js';
import { type MappingVisitor, type ReplaySummary, replayIdentity, replayRequester } from '../notifier/replay.js';
import { NotifierUpkeep } from '../notifier/upkeep.js';
import { type Capabilities, makeCapabilities } from '../regs/capabilities.js';
import { capabilityState } from '../regs/capability-state.js';
import { presets } from '../regs/presets.js';
import { RegisterFile } from '../regs/register-file.js';
import { restoreParts, saveParts } from '../state/saved-state.js';
import type { StateParts } from '../state/state-part.js';
import { INTERRUPT_RANGE } from '../walk/address-ranges.js';
import { MODE, type RemappingState, Translator } from '../walk/translator.js';
import { CacheEffects } from './cache-effects.js';
import { GlobalCommand } from './global-command.js';
import type { IntelIommuOptions } from './options.js';
import { watchProtectedMemory } from './protected-memory.js';
import { remappingState } from './remapping-state.js';
import { RequestPath } from './request-path.js';
import { contextState, regionKey, requesterState } from './requester-state.js';
import { WatchedEmitter } from './watched-emitter.js';

/** The events of a unit. */
export interface IommuEvents {
  /** Every fault, also those that hardware does not record. */
  fault: [fault: FaultEvent];
  /** A message of the unit itself: fault event, invalidation completion, page request. */
  message: [message: EventMessage];
  /** A message that goes to the APICs because of a device's interrupt request: remapped, passed, or a notification. */
  interrupt: [message: InterruptEvent];
  /** A device's interrupt request was posted into memory. */
  posted: [posted: PostedEvent];
  /** What the notifiers of all regions announce. */
  map: [mapping: MapEvent];
  unmap: [range: UnmapEvent];
  /** An invalidation descriptor was executed: its name, and its eight 32-bit words (valid during the call). */
  descriptor: [name: string, words: Int32Array];
  /** A device-TLB invalidation goes to its device; without a device's port its ITag is 0, and it is done. */
  deviceTlbInvalidation: [request: DeviceTlbInvalidation];
  /** A page request group is answered, by software or by the unit itself. */
  pageGroupResponse: [response: PageGroupResponse];
}

/** What a unit has done since it was made. */
export interface IommuStatistics {
  /** Requests that were translated or refused, and those that the IOTLB answered. */
  readonly translations: number;
  readonly hits: number;
  readonly faults: number;
  /** Interrupt requests, and those whose entry was cached. */
  readonly interrupts: number;
  readonly interruptHits: number;
  /** Entries in the IOTLB and in the interrupt-entry cache now. */
  readonly iotlbEntries: number;
  readonly interruptEntries: number;
  /** Executed invalidation descriptors by name. */
  readonly descriptors: Readonly<Record<string, number>>;
}

const IQT = 0x88;
const FSTS = 0x34;

/**
 * A VT-d remapping unit (revision 5.10): registers, tables, caches, invalidation, faults, and a memory region for each
 * requester. It has no clock and no thread: everything happens within the calls that cause it.
 *
 * @example
 * const memory = GuestMemory.ram(16 * 1024 * 1024);
 * const unit = new IntelIommu({ memory, preset: 'qemu-11.1', capabilities: { 'CAP.CM': 1 } });
 * unit.on('message', ({ address, data }) => apic.send(address, data));
 * unit.write32(0x18, 0x8000_0000);        // the guest enables translation
 * unit.region(0x0010).translate(0x1000n); // a device at 00:02.0 reads
 */
export class IntelIommu extends WatchedEmitter<IommuEvents> {
  /** What the unit can do, as CAP, ECAP and VER say. */
  readonly capabilities: Capabilities;
  /** The registers, at byte offsets from the unit's base address. */
  readonly registers: RegisterFile;
  readonly memory: GuestMemory;
  /** The way of devices' interrupt requests, with its results in fields; {@link interrupt} answers an object. */
  readonly interrupts: InterruptRemapping;

  readonly #interruptState = { ...RESET_INTERRUPT_STATE };
  readonly #interruptRules: InterruptRules;
  readonly #interruptEntries: InterruptEntryCache;
  readonly #state: RemappingState = {
    translation: false,
    interruptRemapping: false,
    mode: 0,
    ioRights: false,
    rootTable: 0,
    protectedRanges: [],
  };
  readonly #iotlb: Iotlb;
  readonly #translator: Translator;
  readonly #path: RequestPath;
  readonly #faults: FaultLog;
  readonly #queue: InvalidationQueue;
  readonly #links: DeviceLinks;
  readonly #translations: DeviceTranslations;
  readonly #pageRequests: PageRequests;
  readonly #commands: RegisterInvalidation;
  readonly #upkeep: NotifierUpkeep;
  readonly #regions = new Map<number, IommuMemoryRegion>();
  readonly #effects: CacheEffects;
  readonly #owner: RegionOwner;
  readonly #pending: boolean;
  readonly #replayLimit: number;
  readonly #descriptors: Record<string, number> = {};
  /** What is saved and restored, in that order. */
  readonly #stateParts: StateParts;
  #working = false;

  /**
   * @throws TypeError or RangeError if an option is wrong, or capabilities contradict each other; the message names both
   */
  constructor(options: IntelIommuOptions) {
    super();
    const { memory, preset = 'qemu-11.1', caches, pending = false, replayLimit = 2 ** 26, coherentWalks } = options;
    if (memory === undefined) throw new TypeError('options.memory is missing: give a GuestMemory');
    const values = typeof preset === 'string' ? presets[preset] : preset;
    if (values === undefined) {
      throw new RangeError(`preset '${preset}' is unknown: choose one of ${Object.keys(presets).join(', ')}`);
    }
    const haw = options.hostAddressWidth ?? values.haw;
    this.memory = memory;
    this.capabilities = makeCapabilities({ ...values, haw, override: options.capabilities });
    this.registers = new RegisterFile(this.capabilities);
    this.#pending = pending;
    this.#replayLimit = replayLimit;

    const { capabilities, registers } = this;
    const policy = cachePolicy(caches);
    const state = this.#state;
    const send = (message: EventMessage) => this.emit('message', message);
    this.#faults = new FaultLog(registers, capabilities, new EventInterrupt(registers, 0x38, 'fault', send));
    this.#iotlb = new Iotlb(policy.iotlbEntries, policy.keepAll);
    this.#translator = new Translator(memory, capabilities, state, coherentWalks);
    this.#path = new RequestPath(
      this.#translator,
      this.#iotlb,
      policy,
      capabilities.has('CAP.CM'),
      this.#faults,
      (make) => this.listenerCount('fault') > 0 && this.emit('fault', make()),
    );
    this.#interruptRules = new InterruptRules(memory, capabilities, state, this.#interruptState);
    this.#interruptEntries = new InterruptEntryCache(policy.interruptEntries);
    this.interrupts = new InterruptRemapping(
      this.#interruptRules,
      new InterruptPosting(memory, capabilities, this.#interruptState),
      this.#interruptEntries,
      policy,
      capabilities,
      this.#faults,
      this,
    );
    this.#upkeep = new NotifierUpkeep(
      (region) => (state.translation ? this.#translator.resolve(region.sourceId, region.pasid) : undefined),
      capabilities.has('CAP.CM'),
    );
    this.#effects = new CacheEffects(
      capabilities,
      state,
      this.#iotlb,
      this.#path,
      this.#upkeep,
      this.#interruptEntries,
    );
    const effects = this.#effects;
    this.#links = new DeviceLinks(registers, this.#faults, state, {
      invalidation: (request) => this.emit('deviceTlbInvalidation', request),
      response: (response) => this.emit('pageGroupResponse', response),
      completed: () => {
        this.#queue.release();
        this.#work();
      },
    });
    this.#translations = new DeviceTranslations(this.#translator, this.#path, capabilities);
    const pageEvent = new EventInterrupt(registers, 0xe0, 'page-request', send);
    this.#pageRequests = new PageRequests(
      this.#translator,
      this.#path,
      new PageRequestQueue(registers, memory, pageEvent),
      effects,
      this.#links,
    );
    this.#queue = new InvalidationQueue({
      registers,
      memory,
      capabilities,
      state,
      faults: this.#faults,
      event: new EventInterrupt(registers, 0xa0, 'invalidation', send),
      effects,
      executed: (name, words) => this.#executed(name, words),
      links: this.#links,
      devices: new DeviceDescriptors(this.#links, capabilities),
    });
    const work = () => this.#work();
    this.#commands = new RegisterInvalidation(
      registers,
      capabilities,
      state,
      effects,
      () => this.#queue.enabled,
      !policy.keepAll,
      work,
    );
    registers.onWrite(IQT, work);
    registers.onWrite(FSTS, work);
    new GlobalCommand(registers, capabilities, state, this.#interruptState, this.#queue, this.#faults, {
      dropAll: () => effects.all(),
      remappingChanged: () => {
        // nothing has to go without ESRTPS, but hardware may drop what it likes
        if (!policy.keepAll) effects.all();
        this.#remappingChanged();
      },
      dropInterruptEntries: () => this.#interruptEntries.dropAll(),
      interruptTableChanged: () => {
        if (!policy.keepAll) this.#interruptEntries.dropAll();
      },
      interruptRangeChanged: () => this.#remappingChanged(),
      queueEnabled: work,
    });
    watchProtectedMemory(registers, capabilities, state, () => {
      // entries were filled for pages that may be protected now
      this.#iotlb.dropAll();
      this.#remappingChanged();
    });
    memory.on('ranges', () => {
      // memory is what requesters see that are not translated, and where the tables are
      this.#upkeep.markAll();
      this.#upkeep.flush();
    });
    this.#owner = this.#regionOwner();
    const region = this.region.bind(this);
    this.#stateParts = [
      ['capabilities', capabilityState(capabilities)],
      ['caches', policyState(policy)],
      ['registers', registers],
      ['remapping', remappingState(registers, state, this.#queue)],
      ['faults', this.#faults],
      ['devices', this.#links],
      ['queue', this.#queue],
      ['iotlb', iotlbState(this.#iotlb)],
      ['interrupts', interruptTableState(this.#interruptState, this.#interruptEntries)],
      ['contexts', contextState(this.#path.contexts, this.#translator)],
      ['requesters', requesterState(this.#regions, region, this.#translator, this.#path.pasids)],
    ];
  }

  /** Reads a 32-bit register, or one half of a 64-bit one. @returns an unsigned number */
  read32(offset: number): number {
    return this.registers.read32(offset);
  }

  /** Writes a 32-bit register, or one half of a 64-bit one; the value may be signed or unsigned. */
  write32(offset: number, value: number): void {
    this.registers.write32(offset, value);
  }

  /** Reads a 64-bit register: low half first, then the high one. */
  read64(offset: number): bigint {
    return this.registers.read64(offset);
  }

  /** Writes a 64-bit register: low half first, then the high one. */
  write64(offset: number, value: bigint): void {
    this.registers.write64(offset, value);
  }

  /**
   * The memory region of a requester; the same object for the same arguments.
   *
   * @param sourceId - requester id, 0 to 0xFFFF: bus in bits 15:8, device in 7:3, function in 2:0
   * @param pasid - for requests with a PASID, 0 to 0xFFFFF
   * @throws RangeError if an id is out of range
   */
  region(sourceId: number, pasid?: number): IommuMemoryRegion {
    checkId('sourceId', sourceId, 0xffff);
    if (pasid !== undefined) checkId('pasid', pasid, 0xf_ffff);
    const key = regionKey(sourceId, pasid);
    let region = this.#regions.get(key);
    if (region === undefined) {
      region = new IommuMemoryRegion(this.#owner, sourceId, pasid, this.#regions.size + 1);
      this.#regions.set(key, region);
      this.#setLiveTag(region);
    }
    return region;
  }

  /**
   * Explains what a request would meet now, step by step, without changing anything: each table and entry on its way,
   * the check that stops it and what to change, and what the caches hold otherwise than memory.
   *
   * @throws RangeError or TypeError if the request is none
   *
   * @example
   * console.log(unit.explain({ sourceId: 0x0010, iova: 0x1000n, access: 'write' }).text);
   */
  explain(request: ExplainRequest): Explanation {
    const region = this.#regions.get(regionKey(request.sourceId, request.pasid));
    const { contexts } = this.#path;
    return explainRequest(this.#translator, this.capabilities, request, { iotlb: this.#iotlb, contexts, region });
  }

  /**
   * A device's interrupt request, or that of an IOAPIC (see `decodeRedirectionEntry`). What it leads to is also told by the
   * events `interrupt`, `posted` and `fault`: whoever delivers messages by the event has nothing to do with the answer.
   *
   * @returns the message, what was posted, or the fault, which has been logged
   * @throws RangeError if the source-id, the address or the data are out of range
   *
   * @example
   * unit.on('interrupt', (message) => apic.deliver(message));
   * unit.interrupt({ sourceId: 0x0010, address: 0xfee0_0038, data: 2 });
   */
  interrupt(request: InterruptRequest): InterruptAnswer {
    checkInterruptRequest(request);
    return this.interrupts.answer(request);
  }

  /**
   * Explains what an interrupt request would meet now, step by step, without changing anything.
   *
   * @throws RangeError if the request is none
   *
   * @example
   * console.log(unit.explainInterrupt({ sourceId: 0x0010, address: 0xfee0_0038, data: 2 }).text);
   */
  explainInterrupt(request: InterruptRequest): InterruptExplanation {
    checkInterruptRequest(request);
    return explainInterruptRequest(
      this.memory,
      this.capabilities,
      this.#interruptRules,
      request,
      this.#interruptEntries,
    );
  }

  /**
   * Connects a device that has a device-TLB: its invalidations are completed when it says so. Those to a source-id without
   * a device are done at once, as nothing is cached there.
   *
   * @returns disconnects the device; what it has not completed by then stays so until {@link deviceTimeout}
   * @throws RangeError if the source-id is out of range; Error if a device is connected there
   *
   * @example
   * unit.attachDevice(0x0010, {
   *   invalidate: ({ address, size }, complete) => { cache.drop(address, size); complete(); },
   *   pageGroupResponse: ({ group, code }) => engine.resume(group, code),
   * });
   */
  attachDevice(sourceId: number, port: DevicePort): () => void {
    checkId('sourceId', sourceId, 0xffff);
    return this.#links.attach(sourceId, port);
  }

  /** The device-TLB invalidations that devices have not completed, the oldest first. */
  get outstandingInvalidations(): readonly DeviceTlbInvalidation[] {
    return this.#links.outstanding;
  }

  /**
   * A device's Invalidate Completion message (§4.3). Ports have a shorter way: `complete()`.
   *
   * @returns whether the unit takes it: while remapping is off it is an unsupported request (§4.2.1)
   * @throws RangeError if a number is out of range
   */
  invalidationCompletion(completion: InvalidationCompletion): boolean {
    checkId('sourceId', completion.sourceId, 0xffff);
    if (!isDword(completion.tags)) throw new RangeError(`tags ${completion.tags}: give a vector of 32 bits`);
    const { count = 1 } = completion;
    if (!Number.isInteger(count) || count < 1 || count > 8) throw new RangeError(`count ${count}: it is from 1 to 8`);
    return this.#links.complete(completion);
  }

  /**
   * Lets the time pass in which devices have to complete invalidations. The unit has no clock: call it when a device will
   * not answer. Those outstanding time out: FSTS.ITE is set, waits are aborted, and the queue stops until software clears it.
   *
   * @returns how many invalidations timed out
   */
  deviceTimeout(): number {
    const count = this.#links.timeOut();
    if (count > 0) this.#queue.abortWait();
    return count;
  }

  /**
   * A device's page request (§7.4). If the unit answers it itself, the device's port is told within this call.
   *
   * @returns what became of it
   * @throws RangeError or TypeError if the request is none
   *
   * @example
   * unit.pageRequest({ sourceId: 0x0010, pasid: 5, address: 0x1000n, read: true, lastInGroup: true, group: 0 });
   */
  pageRequest(request: PageRequest): PageRequestOutcome {
    const { sourceId, pasid, address, group, privileged, execute } = request;
    const region = this.region(sourceId, pasid);
    checkId('group', group, 0x1ff);
    if (pasid === undefined && (privileged || execute)) {
      throw new TypeError('only page requests with PASID are privileged, or execute: give a pasid');
    }
    const [hi, lo] = addressHalves(address);
    return this.#pageRequests.accept(region, hi, lo, request);
  }

  /**
   * Lets pending invalidations proceed. Without the option `pending` there never are any.
   *
   * @param limit - most descriptors and register requests that are executed; default all
   * @returns how many were
   */
  step(limit = Number.POSITIVE_INFINITY): number {
    if (this.#working) return 0;
    this.#working = true;
    let steps = 0;
    try {
      while (steps < limit) {
        if (this.#commands.ready) this.#commands.step();
        else if (this.#queue.ready) this.#queue.step();
        else break;
        steps++;
      }
    } finally {
      this.#working = false;
    }
    this.#upkeep.flush();
    return steps;
  }

  /**
   * Resets the unit. What was mapped is withdrawn from notifiers, and guest memory itself announced.
   *
   * @param options - `warm`: sticky registers keep their values (§11.1)
   */
  reset({ warm = false }: { warm?: boolean } = {}): void {
    this.registers.reset(warm);
    this.#state.interruptRemapping = false;
    this.#state.translation = false;
    this.#state.mode = 0;
    this.#state.ioRights = false;
    this.#state.rootTable = 0;
    this.#state.protectedRanges = [];
    Object.assign(this.#interruptState, RESET_INTERRUPT_STATE);
    this.#interruptEntries.dropAll();
    this.#queue.enable(false);
    this.#links.reset();
    this.#faults.restart();
    this.#effects.all();
    this.#remappingChanged();
  }

  /**
   * The state of the unit, as bytes: registers, what commands have latched, pending invalidations, and what the caches
   * hold. It does not hold guest memory, which the embedder saves; notifiers, which are the embedder's own; and statistics.
   * Call it between accesses of the guest and its devices, not in a listener.
   *
   * @throws Error if the unit is in the midst of something
   *
   * @example
   * const saved = { ram: ram.slice(), unit: unit.saveState() };
   * ram.set(saved.ram);
   * unit.restoreState(saved.unit); // after the memory
   */
  saveState(): Uint8Array {
    this.#checkIdle('saveState');
    return saveParts(this.#stateParts);
  }

  /**
   * Takes over the state of a unit that was made with the same capabilities and caches: from then on it goes on as that
   * one. Restore guest memory before. Notifiers stay as they are registered, and are told of what is mapped otherwise than
   * they have been told. Without the option `pending`, what was pending in the other unit is done at once.
   *
   * @param state - what {@link saveState} answered
   * @throws RangeError if it is something else, or the state of a unit that is made otherwise: the message says where, and
   * the unit is as before
   * @throws TypeError if it is no `Uint8Array`; Error if the unit is in the midst of something
   */
  restoreState(state: Uint8Array): void {
    this.#checkIdle('restoreState');
    restoreParts(this.#stateParts, state);
    this.#remappingChanged();
    this.#work();
  }

  /** A listener may be called when a command is half done, or a notifier has been told half of it. */
  #checkIdle(name: string): void {
    if (!this.#working && !this.#upkeep.isTelling) return;
    throw new Error(`${name}() in a listener: the unit is in the midst of a command; call it when that has returned`);
  }

  /** What the unit has done since it was made. */
  get statistics(): IommuStatistics {
    let fast = 0;
    for (const region of this.#regions.values()) fast += region.hits;
    const { hits, misses, faults } = this.#path;
    return {
      translations: fast + hits + misses,
      hits: fast + hits,
      faults: faults + this.interrupts.faults,
      interrupts: this.interrupts.requests,
      interruptHits: this.interrupts.hits,
      iotlbEntries: this.#iotlb.size,
      interruptEntries: this.#interruptEntries.size,
      descriptors: { ...this.#descriptors },
    };
  }

  protected override listenersChanged(): void {
    this.interrupts.watched = this.listenerCount('interrupt') + this.listenerCount('posted') > 0;
  }

  #work(): void {
    if (!this.#pending) this.step();
  }

  #executed(name: string, words: Int32Array): void {
    this.#descriptors[name] = (this.#descriptors[name] ?? 0) + 1;
    this.emit('descriptor', name, words);
  }

  #remappingChanged(): void {
    for (const region of this.#regions.values()) this.#setLiveTag(region);
    this.#upkeep.markAll();
    this.#upkeep.flush();
  }

  #setLiveTag(region: IommuMemoryRegion): void {
    const { translation, mode } = this.#state;
    region.liveTag = translation && (region.pasid === undefined || mode === MODE.SCALABLE) ? region.tag : -1;
  }

  #regionOwner(): RegionOwner {
    return {
      memory: this.memory,
      iotlb: this.#iotlb,
      path: this.#path,
      replay: (region, first, end, visit, options) => this.#replay(region, first, end, visit, options),
      translations: this.#translations,
      interrupt: ({ sourceId }, address, data) => this.interrupts.write(sourceId, address, data),
      notifiersChanged: (region) => this.#upkeep.watch(region),
      announcing: (announce) => this.#upkeep.exclusively(announce),
      checkNotifier: ({ kinds = 'both' }) => {
        if (kinds === 'unmap' || this.capabilities.has('CAP.CM')) return;
        throw new Error(
          "a notifier of maps needs caching mode, or software may map without a word: give the unit { 'CAP.CM': 1 }, or ask for unmaps only",
        );
      },
      announce: (region, name, event) => {
        if (name === 'map') {
          region.emit('map', event as MapEvent);
          this.emit('map', event as MapEvent);
        } else {
          region.emit('unmap', event);
          this.emit('unmap', event);
        }
      },
    };
  }

  #replay(
    region: IommuMemoryRegion,
    first: number,
    end: number,
    visit: MappingVisitor,
    { merged = true, skip }: ReplayOptions,
  ): ReplaySummary {
    const { translation, interruptRemapping, protectedRanges } = this.#state;
    // requests with PASID to 0xFEEx_xxxx are ordinary ones (§3.15), but nothing is ever translated to there
    const inputHoles = region.pasid === undefined && (translation || interruptRemapping) ? [INTERRUPT_RANGE] : [];
    const outputHoles = translation ? [INTERRUPT_RANGE, ...protectedRanges] : protectedRanges;
    const { memory } = this;
    const job = { memory, first, end, merged, visit, skip, inputHoles, outputHoles, limit: this.#replayLimit };
    if (!translation) return replayIdentity(job, 52);
    const requester = this.#translator.resolve(region.sourceId, region.pasid);
    return replayRequester(job, requester, this.capabilities.haw);
  }
}

function checkId(name: string, id: number, most: number): void {
  if (!Number.isInteger(id) || id < 0 || id > most) {
    throw new RangeError(`${name} ${id}: it must be a whole number from 0 to 0x${most.toString(16)}`);
  }
}

/** Addresses and data may come signed, as emulators' buses carry them. */
function checkInterruptRequest({ sourceId, address, data }: InterruptRequest): void {
  checkId('sourceId', sourceId, 0xffff);
  if (!isDword(address) || address >>> 20 !== 0xfee) {
    throw new RangeError(`address ${address}: an interrupt request goes to 0xfee00000 to 0xfeefffff`);
  }
  if (!isDword(data)) throw new RangeError(`data ${data}: give a whole number of 32 bits`);
}

function isDword(value: number): boolean {
  return Number.isInteger(value) && value >= -0x8000_0000 && value <= 0xffff_ffff;
}
