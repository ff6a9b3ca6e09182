import { EventEmitter } from 'eventemitter3';
import { Iotlb } from '../caches/iotlb.js';
import { cachePolicy } from '../caches/policy.js';
import type { FaultEvent } from '../faults/fault.js';
import { FaultLog } from '../faults/fault-log.js';
import { explainRequest } from '../inspect/explain.js';
import type { ExplainRequest, Explanation } from '../inspect/explanation.js';
import { EventInterrupt, type EventMessage } from '../interrupts/event-message.js';
import { InvalidationQueue } from '../invalidation/queue.js';
import { RegisterInvalidation } from '../invalidation/register-commands.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { MapEvent, UnmapEvent } from '../notifier/notifier.js';
import { IommuMemoryRegion, type RegionOwner, type ReplayOptions } from '../notifier/region.js';
import { type MappingVisitor, type ReplaySummary, replayIdentity, replayRequester } from '../notifier/replay.js';
import { NotifierUpkeep } from '../notifier/upkeep.js';
import { type Capabilities, makeCapabilities } from '../regs/capabilities.js';
import { presets } from '../regs/presets.js';
import { RegisterFile } from '../regs/register-file.js';
import { INTERRUPT_RANGE } from '../walk/address-ranges.js';
import { MODE, type RemappingState, Translator } from '../walk/translator.js';
import { CacheEffects } from './cache-effects.js';
import { GlobalCommand } from './global-command.js';
import type { IntelIommuOptions } from './options.js';
import { watchProtectedMemory } from './protected-memory.js';
import { RequestPath } from './request-path.js';

/** A device's interrupt request: an aligned dword written to 0xFEEx_xxxx (§5.1). */
export interface InterruptRequest {
  readonly sourceId: number;
  readonly address: number;
  readonly data: number;
}

/** The events of a unit. */
export interface IommuEvents {
  /** Every fault, also those that hardware does not record. */
  fault: [fault: FaultEvent];
  /** A message of the unit itself: fault event, invalidation completion. */
  message: [message: EventMessage];
  /** An interrupt request of a device, as the device sent it. */
  interrupt: [request: InterruptRequest];
  /** What the notifiers of all regions announce. */
  map: [mapping: MapEvent];
  unmap: [range: UnmapEvent];
  /** An invalidation descriptor was executed: its name, and its eight 32-bit words (valid during the call). */
  descriptor: [name: string, words: Int32Array];
}

/** What a unit has done since it was made. */
export interface IommuStatistics {
  /** Requests that were translated or refused, and those that the IOTLB answered. */
  readonly translations: number;
  readonly hits: number;
  readonly faults: number;
  /** Entries in the IOTLB now. */
  readonly iotlbEntries: number;
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
export class IntelIommu extends EventEmitter<IommuEvents> {
  /** What the unit can do, as CAP, ECAP and VER say. */
  readonly capabilities: Capabilities;
  /** The registers, at byte offsets from the unit's base address. */
  readonly registers: RegisterFile;
  readonly memory: GuestMemory;

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
  readonly #commands: RegisterInvalidation;
  readonly #upkeep: NotifierUpkeep;
  readonly #regions = new Map<number, IommuMemoryRegion>();
  readonly #effects: CacheEffects;
  readonly #owner: RegionOwner;
  readonly #pending: boolean;
  readonly #replayLimit: number;
  readonly #descriptors: Record<string, number> = {};
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
    this.#upkeep = new NotifierUpkeep(
      (region) => (state.translation ? this.#translator.resolve(region.sourceId, region.pasid) : undefined),
      capabilities.has('CAP.CM'),
    );
    this.#effects = new CacheEffects(capabilities, state, this.#iotlb, this.#path, this.#upkeep);
    const effects = this.#effects;
    this.#queue = new InvalidationQueue({
      registers,
      memory,
      capabilities,
      state,
      faults: this.#faults,
      event: new EventInterrupt(registers, 0xa0, 'invalidation', send),
      effects,
      executed: (name, words) => this.#executed(name, words),
    });
    const work = () => this.#work();
    this.#commands = new RegisterInvalidation(registers, capabilities, state, effects, () => this.#queue.enabled, work);
    registers.onWrite(IQT, work);
    registers.onWrite(FSTS, work);
    new GlobalCommand(registers, capabilities, state, this.#queue, this.#faults, {
      dropAll: () => effects.all(),
      remappingChanged: () => {
        // nothing has to go without ESRTPS, but hardware may drop what it likes
        if (!policy.keepAll) effects.all();
        this.#remappingChanged();
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
    this.#queue.enable(false);
    this.#faults.restart();
    this.#effects.all();
    this.#remappingChanged();
  }

  /** What the unit has done since it was made. */
  get statistics(): IommuStatistics {
    let fast = 0;
    for (const region of this.#regions.values()) fast += region.hits;
    const { hits, misses, faults } = this.#path;
    return {
      translations: fast + hits + misses,
      hits: fast + hits,
      faults,
      iotlbEntries: this.#iotlb.size,
      descriptors: { ...this.#descriptors },
    };
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
      interrupt: ({ sourceId }, address, data) => this.emit('interrupt', { sourceId, address, data }),
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

function regionKey(sourceId: number, pasid: number | undefined): number {
  return sourceId * 2 ** 21 + (pasid === undefined ? 0 : pasid + 1);
}

function checkId(name: string, id: number, most: number): void {
  if (!Number.isInteger(id) || id < 0 || id > most) {
    throw new RangeError(`${name} ${id}: it must be a whole number from 0 to 0x${most.toString(16)}`);
  }
}
