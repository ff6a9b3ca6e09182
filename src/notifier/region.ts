import { Buffer } from 'buffer/index.js';
import { EventEmitter } from 'eventemitter3';
import type { TranslationCompletion, TranslationRequest } from '../ats/translation-request.js';
import { CELL, type DomainList, type Iotlb, SNOOP as SNOOP_FLAG, saltOf } from '../caches/iotlb.js';
import type { PasidHolder } from '../caches/pasid-cache.js';
import { type Fault, faultOf } from '../faults/fault.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import { inInterruptRange } from '../walk/address-ranges.js';
import { conditionId } from '../walk/conditions.js';
import type { PlainWalk } from '../walk/plain-walk.js';
import type { PasidEntry, Requester } from '../walk/requester.js';
import { ACCESS, type Access, accessBits, type RequestAttributes, rightsText } from '../walk/rights.js';
import * as dma from './dma.js';
import { type MapEvent, MOST_RUNS, Notifier, type NotifierOptions, pageWindow, type UnmapEvent } from './notifier.js';
import type { MappingVisitor, ReplaySummary, SkipVisitor } from './replay.js';
import type { MappedRun } from './shadow.js';

/** What a translation answers: the host address, or the fault. */
export type Translation =
  | {
      readonly ok: true;
      /** Host physical address of the byte asked for. */
      readonly address: bigint;
      /** Size of the page that translates it, in bytes. */
      readonly pageSize: number;
      /** What the page grants. */
      readonly rights: 'r' | 'w' | 'rw' | '';
      /** The access is snooped whatever the request asks for (§3.10). */
      readonly snoop: boolean;
    }
  | { readonly ok: false; readonly fault: Fault };

/** How a replay goes. */
export interface ReplayOptions {
  /** First and last IOVA; default all. The range is made of whole pages. */
  readonly first?: number | bigint;
  readonly last?: number | bigint;
  /** Announce runs of pages that follow each other in both address spaces (default), or page by page. */
  readonly merged?: boolean;
  /** Called for each part that is left out, and why. */
  readonly skip?: SkipVisitor;
}

/** The way of a request that the region's own look into the IOTLB did not answer. */
export interface SlowPath {
  /** Translates by caches and tables, logs a fault, leaves the result in the region's fields. Answers the condition. */
  translate(region: IommuMemoryRegion, hi: number, lo: number, access: number, translated: boolean): number;
}

/** What answers translation requests. */
interface TranslationSource {
  answer(
    region: IommuMemoryRegion,
    hi: number,
    lo: number,
    pages: number,
    noWrite: boolean,
    privileged: boolean,
    execute: boolean,
  ): TranslationCompletion;
}

/** What a region needs of the unit it belongs to. */
export interface RegionOwner {
  readonly memory: GuestMemory;
  readonly iotlb: Iotlb;
  readonly path: SlowPath;
  replay(
    region: IommuMemoryRegion,
    first: number,
    end: number,
    visit: MappingVisitor,
    options: ReplayOptions,
  ): ReplaySummary;
  readonly translations: TranslationSource;
  /** A device's dword write to 0xFEEx_xxxx. Answers the condition that stops it. */
  interrupt(region: IommuMemoryRegion, address: number, data: number): number;
  notifiersChanged(region: IommuMemoryRegion): void;
  /** Runs something that announces mappings; changes that its listeners cause are announced after it. */
  announcing(announce: () => void): void;
  /** @throws Error if notifiers of maps cannot be served */
  checkNotifier(options: NotifierOptions): void;
  announce(region: IommuMemoryRegion, name: 'map' | 'unmap', event: MapEvent | UnmapEvent): void;
}

// A bigint is split by writing it here and reading its halves: shifts would make new bigints.
const WHOLE = new BigUint64Array(1);
const HALVES = new Int32Array(WHOLE.buffer);

// Local constants: V8 folds them into the code, while it reads an imported one from its module each time.
const { PAGE_LO, PAGE_HI, TAG, RIGHTS, HOST_LO, HOST_HI } = CELL;
const READ = ACCESS.read;
/** The rights of users, above which those of privileged requests stand. */
const ALL_USER = 7;
const SNOOP = SNOOP_FLAG;
const OK = conditionId('ok');
const DISCARDED = conditionId('discarded');

/** No entry of the IOTLB has this tag: the region's requests always take the slow path. */
const NO_TAG = -1;

/**
 * The address space that one requester sees: the memory region behind a source-id (and a PASID). Made by
 * `IntelIommu.region()`; there is one for each requester, and it stays valid as long as the unit.
 *
 * Three faces translate an address; all take the same path and log the same faults:
 * {@link translate} answers an object, {@link translateAddress} a number, {@link translateHalves} leaves 32-bit halves
 * in {@link addressHi} and {@link addressLo}.
 *
 * @example
 * const disk = unit.region(0x00fa); // 00:1f.2
 * const answer = disk.translate(0xffffe000n, 'write');
 * if (answer.ok) console.log(answer.address.toString(16));
 * else console.log(answer.fault.about);
 */
export class IommuMemoryRegion
  extends EventEmitter<{ map: [event: MapEvent]; unmap: [event: UnmapEvent] }>
  implements PasidHolder
{
  /** Requester id: bus in bits 15:8, device in 7:3, function in 2:0. */
  readonly sourceId: number;
  /** PASID of the requests of this region; `undefined` for requests without one. */
  readonly pasid: number | undefined;

  /** Host address of the last translation that succeeded, in two 32-bit halves (signed). */
  addressHi = 0;
  addressLo = 0;
  /** The rights that its page grants, as bits of `ACCESS`, and the page's size as a shift; of {@link translateHalves}. */
  rights = 0;
  pageShift = 12;
  snoop = false;

  /** @internal what the cached entries on the way to its tables make of its requests; `undefined` unless all are cached */
  requester: Requester | undefined = undefined;
  /** @internal the cached PASID entry */
  pasidEntry: PasidEntry | undefined = undefined;
  /** @internal the PASID under which it is kept */
  cachedPasid = 0;
  /** @internal the short walk through its tables; there only with {@link requester} */
  plain: PlainWalk | undefined = undefined;
  /** @internal 1, or 9 where rights count for privileged requests too */
  privileges = 1;
  /** @internal PGSNP */
  alwaysSnooped = false;
  /** @internal the IOTLB's list that its translations go into */
  domain: DomainList | undefined = undefined;
  /** @internal the requester's tag in the IOTLB; {@link retag} gives it another */
  tag: number;
  /** @internal the tag by which lookups go; none while the unit does not translate */
  liveTag = NO_TAG;
  /** @internal */
  readonly notifiers = new Set<Notifier>();
  /** @internal translations that the IOTLB answered on the fast path */
  hits = 0;

  readonly #owner: RegionOwner;
  readonly #iotlb: Iotlb;
  readonly #path: SlowPath;
  /** @internal spreads its pages over the places of the IOTLB */
  salt: number;
  #condition = OK;

  /** @internal made by `IntelIommu.region` */
  constructor(owner: RegionOwner, sourceId: number, pasid: number | undefined, tag: number) {
    super();
    this.#owner = owner;
    this.#iotlb = owner.iotlb;
    this.#path = owner.path;
    this.sourceId = sourceId;
    this.pasid = pasid;
    this.tag = tag;
    this.salt = saltOf(tag);
  }

  /**
   * Gives the requester another tag; its entries in the IOTLB are those that have it.
   *
   * @internal
   */
  retag(tag: number): void {
    this.tag = tag;
    this.salt = saltOf(tag);
  }

  /**
   * What the cached entries made of its requests holds no longer.
   *
   * @internal
   */
  forget(): void {
    this.requester = undefined;
    this.plain = undefined;
  }

  /**
   * Translates an address into an object.
   *
   * @param iova - input address, 0 to 2^64 - 1
   * @param access - what the request wants to do
   * @param attributes - what the request is besides: translated by a device-TLB; with PASID also privileged, execute
   * @returns the host address, or the fault, which has been logged
   * @throws RangeError if `iova` is out of range, or a number that is not exact; TypeError if `access` is none, or a
   * request without PASID shall have attributes that only a PASID brings
   */
  translate(iova: bigint | number, access: Access = 'read', attributes: RequestAttributes = {}): Translation {
    if (typeof iova === 'bigint') {
      WHOLE[0] = iova;
      if (WHOLE[0] !== iova) throw badAddress(iova);
    } else splitNumber(iova);
    const bits = this.bitsOf(access, attributes);
    if (!this.translateHalves(HALVES[1] as number, HALVES[0] as number, bits, attributes.translated)) {
      return { ok: false, fault: faultOf(this.#condition) };
    }
    HALVES[0] = this.addressLo;
    HALVES[1] = this.addressHi;
    const pageSize = 2 ** this.pageShift;
    return { ok: true, address: WHOLE[0] as bigint, pageSize, rights: rightsText(this.rights), snoop: this.snoop };
  }

  /**
   * Translates an address into a number, which holds every host address exactly.
   *
   * @param iova - input address; a number up to 2^53 - 1, above that a bigint
   * @param access - bits of `ACCESS`: what the request wants to do
   * @returns the host address, or -1 for a fault, which has been logged; {@link lastFault} tells which
   * @throws RangeError if `iova` is out of range, or a number that is not exact
   */
  translateAddress(iova: number | bigint, access: number = READ): number {
    if (typeof iova !== 'number') {
      splitAddress(iova);
      return this.translateHalves(HALVES[1] as number, HALVES[0] as number, access) ? this.addressNumber : -1;
    }
    const lo = iova | 0;
    const hi = (iova / 0x1_0000_0000) | 0;
    // the look into the IOTLB stands in both faces: each leaves its result elsewhere, and nothing is stored in vain
    const { cells, mask } = this.#iotlb;
    const page = (lo >>> 12) | (hi << 20);
    const at = (((page ^ this.salt) & mask) + 1) << 3;
    if (
      cells[at | PAGE_LO] === page &&
      cells[at | TAG] === this.liveTag &&
      cells[at | PAGE_HI] === (SMALL_PAGE | (hi >>> 12)) &&
      (access & ~(cells[at | RIGHTS] as number)) === 0 &&
      // the halves are the number again, and it is a safe one: else it is refused below
      hi * 0x1_0000_0000 + (lo >>> 0) === iova &&
      hi >>> 21 === 0
    ) {
      this.hits++;
      return (cells[at | HOST_HI] as number) * 0x1_0000_0000 + (((cells[at | HOST_LO] as number) | (lo & 0xfff)) >>> 0);
    }
    if (!Number.isSafeInteger(iova) || iova < 0) throw badAddress(iova);
    this.#condition = this.#path.translate(this, hi, lo, access, false);
    return this.#condition === OK ? this.addressNumber : -1;
  }

  /**
   * Translates an address of two 32-bit halves, signed or unsigned, into {@link addressHi} and {@link addressLo}, with
   * {@link rights}, {@link pageShift} and {@link snoop}.
   *
   * @param access - bits of `ACCESS`: what the request wants to do
   * @returns whether the request was translated; if not, the fault has been logged, and {@link lastFault} tells which
   */
  translateHalves(hi: number, lo: number, access: number = READ, translated = false): boolean {
    const { cells, mask } = this.#iotlb;
    const page = (lo >>> 12) | (hi << 20);
    const at = (((page ^ this.salt) & mask) + 1) << 3;
    if (
      cells[at | PAGE_LO] === page &&
      cells[at | TAG] === this.liveTag &&
      cells[at | PAGE_HI] === (SMALL_PAGE | (hi >>> 12)) &&
      (access & ~(cells[at | RIGHTS] as number)) === 0 &&
      !translated
    ) {
      this.hits++;
      this.addressHi = cells[at | HOST_HI] as number;
      this.addressLo = (cells[at | HOST_LO] as number) | (lo & 0xfff);
      const word = cells[at | RIGHTS] as number;
      this.rights = (word >> (access > ALL_USER ? 12 : 9)) & ALL_USER;
      this.snoop = (word & SNOOP) !== 0;
      this.pageShift = 12;
      return true;
    }
    this.#condition = this.#path.translate(this, hi | 0, lo | 0, access, translated);
    return this.#condition === OK;
  }

  /**
   * A device's translation request (PCIe ATS): what its device-TLB may keep (§4.2.3). It is answered by the tables, and sets
   * the accessed and dirty flags of the rights that it gives. A device uses what it got by the attribute `translated`.
   *
   * @throws RangeError if the address or the number of pages is none; TypeError if a request without PASID shall have
   * attributes that only a PASID brings
   *
   * @example
   * const answer = unit.region(0x0010, 5).translationRequest({ address: 0x1000n });
   * if (answer.status === 'success' && answer.entries[0].read) cache.keep(answer.entries[0]);
   */
  translationRequest(request: TranslationRequest): TranslationCompletion {
    const { address, pages = 1, noWrite = false, privileged = false, execute = false } = request;
    this.checkAttributes(request);
    if (!Number.isSafeInteger(pages) || pages < 1) {
      throw new RangeError(`${pages} pages: a translation request is for at least one`);
    }
    const [hi, lo] = addressHalves(address);
    return this.#owner.translations.answer(this, hi, lo & ~0xfff, pages, noWrite, privileged, execute);
  }

  private bitsOf(access: Access, attributes: RequestAttributes): number {
    this.checkAttributes(attributes);
    return accessBits(access, attributes);
  }

  private checkAttributes({ privileged, execute }: RequestAttributes): void {
    if (this.pasid !== undefined || (!privileged && !execute)) return;
    throw new TypeError('only requests with PASID are privileged, or execute: take unit.region(sourceId, pasid)');
  }

  /** The fault of the last request that took the slow path; `undefined` if it was translated. */
  get lastFault(): Fault | undefined {
    return this.#condition === OK ? undefined : faultOf(this.#condition);
  }

  /**
   * A DMA read. Each page is translated for itself: what is blocked, or answered by no memory, reads as 0.
   *
   * @param iova - first address
   * @param target - receives the bytes
   * @param attributes - as of {@link translate}
   * @returns the number of bytes that were read from memory; `target.length` when nothing was blocked
   */
  read(iova: number | bigint, target: Uint8Array, attributes: RequestAttributes = {}): number {
    splitAddress(iova);
    return dma.read(this, this.#owner.memory, this.#transfer('read', attributes), target);
  }

  /**
   * A DMA read into a new `Buffer`, whose reading methods serve devices that fetch descriptors.
   *
   * @param length - bytes
   * @returns the bytes, 0 where the read was blocked
   *
   * @example
   * const descriptor = nic.readBuffer(ring, 16);
   * const address = descriptor.readBigUInt64LE(0);
   */
  readBuffer(iova: number | bigint, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    this.read(iova, bytes);
    return bytes;
  }

  /**
   * A DMA write. Each page is translated for itself. A dword that goes to 0xFEEx_xxxx is an interrupt request.
   *
   * @returns the number of bytes that were written; `source.length` when nothing was blocked
   */
  write(iova: number | bigint, source: Uint8Array, attributes: RequestAttributes = {}): number {
    splitAddress(iova);
    const interrupt = (address: number, data: number) => this.interrupt(address, data);
    return dma.write(this, this.#owner.memory, this.#transfer('write', attributes), source, interrupt);
  }

  /** A transfer from the address in {@link HALVES} on. */
  #transfer(access: Access, attributes: RequestAttributes): dma.DmaRequest {
    const { translated = false } = attributes;
    return { hi: HALVES[1] as number, lo: HALVES[0] as number, access: this.bitsOf(access, attributes), translated };
  }

  /**
   * A DMA read of an aligned 32-bit word, without a buffer.
   *
   * @returns the word as an unsigned number, or `undefined` if it was blocked or nothing answered
   */
  read32(iova: number | bigint): number | undefined {
    const address = this.translateAddress(checkAligned(iova), READ);
    return address < 0 ? undefined : this.#owner.memory.read32(address);
  }

  /**
   * A DMA write of an aligned 32-bit word, without a buffer; at 0xFEEx_xxxx an interrupt request.
   *
   * @returns whether the word was written, or the interrupt request was not blocked
   */
  write32(iova: number | bigint, value: number): boolean {
    checkAligned(iova);
    splitAddress(iova);
    const hi = HALVES[1] as number;
    const lo = HALVES[0] as number;
    if (this.pasid === undefined && inInterruptRange(hi, lo)) return this.interrupt(lo, value);
    return this.translateHalves(hi, lo, accessBits('write')) && this.#owner.memory.write32(this.addressNumber, value);
  }

  private interrupt(address: number, data: number): boolean {
    this.#condition = this.#owner.interrupt(this, address, data);
    return this.#condition === OK;
  }

  private get addressNumber(): number {
    return this.addressHi * 0x1_0000_0000 + (this.addressLo >>> 0);
  }

  /**
   * An AtomicOp of 4 or 8 aligned bytes: fetch-and-add, swap or compare-and-swap, by what `update` returns.
   *
   * @param update - the new value for the old one, both unsigned; a result that is too wide is cut
   * @returns the old value, or `undefined` if the request was blocked
   *
   * @example
   * region.atomic(0x1000, 8, (old) => old + 1n); // fetch-and-add
   */
  atomic(
    iova: number | bigint,
    size: 4 | 8,
    update: (old: bigint) => bigint,
    attributes: RequestAttributes = {},
  ): bigint | undefined {
    if (size !== 4 && size !== 8) throw new RangeError(`an AtomicOp of ${size} bytes: it has 4 or 8`);
    if (BigInt(iova) % BigInt(size) !== 0n)
      throw new RangeError(`an AtomicOp at ${iova}: align it to its ${size} bytes`);
    splitAddress(iova);
    const bits = this.bitsOf('atomic', attributes);
    if (!this.translateHalves(HALVES[1] as number, HALVES[0] as number, bits, attributes.translated)) return undefined;
    return dma.atomic(this.#owner.memory, this.addressNumber, size, update);
  }

  /**
   * A zero-length read: asks whether a page could be read, transfers nothing (§3.14). At 0xFEEx_xxxx it always succeeds.
   *
   * @returns whether the request completed
   */
  zeroLengthRead(iova: number | bigint, attributes: RequestAttributes = {}): boolean {
    splitAddress(iova);
    const bits = this.bitsOf('zero-length-read', attributes);
    const done = this.translateHalves(HALVES[1] as number, HALVES[0] as number, bits, attributes.translated);
    return done || this.#condition === DISCARDED;
  }

  /**
   * Announces every mapping by a walk of the tables as they stand in memory. Changes nothing and logs nothing. A
   * requester that is not translated (remapping off, or pass-through) sees guest memory itself; one that is blocked,
   * nothing. The walk never goes beyond min(MGAW, AGAW).
   *
   * @param visit - receives (iova, length, host address, rights) in ascending order; answers `false` to stop
   * @returns what was counted
   * @throws RangeError if the range is not made of whole pages
   *
   * @example
   * region.replay((iova, length, address, rights) => console.log(iova.toString(16), length, address.toString(16)));
   */
  replay(visit: MappingVisitor, options: ReplayOptions = {}): ReplaySummary {
    const [first, end] = pageWindow(options.first, options.last);
    return this.#owner.replay(this, first, end, visit, options);
  }

  /**
   * Registers a notifier of mappings that come and go.
   *
   * @throws RangeError if the window is not made of whole pages; Error if maps are asked for and CAP.CM is 0
   *
   * @example
   * region.addNotifier({ map: ({ iova, length, address }) => host.map(iova, length, address),
   *                      unmap: ({ iova, length }) => host.unmap(iova, length) });
   */
  addNotifier(options: NotifierOptions = {}): Notifier {
    this.#owner.checkNotifier(options);
    const notifier: Notifier = new Notifier(
      this.sourceId,
      options,
      (name, event) => this.#owner.announce(this, name, event),
      (removed) => {
        this.notifiers.delete(removed);
        this.#owner.notifiersChanged(this);
      },
    );
    this.notifiers.add(notifier);
    this.#owner.notifiersChanged(this);
    if (options.replay !== false) {
      this.#owner.announcing(() => this.syncNotifier(notifier, notifier.first, notifier.end));
    }
    return notifier;
  }

  /**
   * Brings a notifier up to date in a range.
   *
   * @internal
   */
  syncNotifier(notifier: Notifier, first: number, end: number): void {
    // what is not known anywhere has to be looked at everywhere
    const from = notifier.overrun ? notifier.first : Math.max(first, notifier.first);
    const to = notifier.overrun ? notifier.end : Math.min(end, notifier.end);
    if (from >= to) return;
    const runs: MappedRun[] = [];
    const visit: MappingVisitor = (iova, length, address, rights) =>
      runs.push({ iova, length, address, rights }) <= MOST_RUNS;
    const { ended } = this.#owner.replay(this, from, to, visit, {});
    if (ended === 'complete') notifier.update(from, to, runs);
    else notifier.giveUp();
  }
}

const SMALL_PAGE = 12 << 24;

function splitNumber(iova: number): void {
  if (!Number.isSafeInteger(iova) || iova < 0) throw badAddress(iova);
  HALVES[0] = iova | 0;
  HALVES[1] = (iova / 0x1_0000_0000) | 0;
}

function splitAddress(iova: number | bigint): void {
  if (typeof iova === 'number') splitNumber(iova);
  else {
    WHOLE[0] = iova;
    if (WHOLE[0] !== iova) throw badAddress(iova);
  }
}

/**
 * The two signed 32-bit halves of an address.
 *
 * @throws RangeError if it is out of range, or a number that is not exact
 */
export function addressHalves(address: number | bigint): [hi: number, lo: number] {
  splitAddress(address);
  return [HALVES[1] as number, HALVES[0] as number];
}

function checkAligned(iova: number | bigint): number | bigint {
  const aligned = typeof iova === 'number' ? iova % 4 === 0 : (iova & 3n) === 0n;
  if (!aligned) throw new RangeError(`a 32-bit access at ${iova}: align it to 4 bytes, or use read() and write()`);
  return iova;
}

function badAddress(iova: number | bigint): RangeError {
  return new RangeError(
    `IOVA ${iova}: it must be a bigint from 0 to 2^64 - 1, or a whole number from 0 to 2^53 - 1 (above that give a bigint)`,
  );
}
