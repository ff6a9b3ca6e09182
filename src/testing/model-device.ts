import type { DeviceTlbInvalidation } from '../ats/device-port.js';
import type { IntelIommu } from '../unit/intel-iommu.js';
import type { RequestAttributes } from '../walk/rights.js';
import { type PageGroup, PageGroups } from './page-groups.js';
import { Transfer } from './transfer.js';
import { type CachedTranslation, concerns, type Requests, TranslationCache } from './translation-cache.js';

/** What a {@link ModelDevice} is. */
export interface ModelDeviceOptions {
  /** Requester id, 0 to 0xFFFF: bus in bits 15:8, device in 7:3, function in 2:0. */
  readonly sourceId: number;
  /** ATS is enabled: the device translates for itself. Default true; {@link ModelDevice.ats} changes it. */
  readonly ats?: boolean;
  /** Entries of its address translation cache, from 1 on; default 64. */
  readonly cacheEntries?: number;
  /** Page requests that may be outstanding, 0 to 512; default 32. With 0 it makes none. */
  readonly pageRequests?: number;
  /** When it completes invalidations; default `at-once`. {@link ModelDevice.invalidations} changes it. */
  readonly invalidations?: ModelDevice['invalidations'];
  /** How far transfers go by themselves; default `at-once`. {@link ModelDevice.transfers} changes it. */
  readonly transfers?: ModelDevice['transfers'];
}

/** What the requests of a transfer are. */
export interface TransferOptions {
  /** 0 to 0xFFFFF; left out, they have none. */
  readonly pasid?: number;
  /** Supervisor requests; only those with PASID can be. Default false. */
  readonly privileged?: boolean;
}

interface PendingInvalidation {
  readonly complete: () => void;
  /** Transfers whose request on its way uses what was invalidated: it has to arrive first. */
  readonly after: Map<Transfer, Transfer['inFlight']>;
}

const PAGE_BYTES = 4096;
/** The requests of a group follow each other in one transfer. */
const MOST_IN_GROUP = 32;

/**
 * A PCIe function that translates for itself, for tests of embedders and drivers: an address translation cache, a page
 * request interface, a DMA engine and an MSI, behind a unit. It goes by the rules of PCIe's ATS and PRI: it uses no
 * translation that was invalidated, and completes an invalidation only after its requests that use it (§4.3).
 *
 * A transfer looks for each page into the cache; on a miss it asks the unit for translations, and without the right it
 * makes page requests, if it may, and waits. {@link step} lets it go on once they were answered. With ATS disabled it sends
 * untranslated requests. The device has no clock: nothing happens outside of its calls and the unit's.
 *
 * @example
 * const device = new ModelDevice(unit, { sourceId: 0x0100 });
 * const transfer = device.read(0x7000, 64, { pasid: 5 }); // nothing is mapped: page requests, and the unit's event
 * // ... the guest's handler maps the page and submits a page group response
 * device.step();
 * console.log(transfer.status, transfer.data);
 */
export class ModelDevice {
  readonly sourceId: number;
  /** The page request interface is enabled; a response failure disables it (§7.6.1). */
  pageRequests: boolean;
  /**
   * When invalidations are completed: as soon as no request on its way uses what they name (`at-once`), by {@link step}, or
   * not until this is changed.
   */
  invalidations: 'at-once' | 'on-step' | 'never';
  /**
   * How far transfers go by themselves: to their end or to a page request (`at-once`), or each by one stage with every
   * {@link step}, so that a memory request is on its way between two of them.
   */
  transfers: 'at-once' | 'on-step';
  /** Where its interrupts go, as its driver has programmed it; `undefined` for nowhere. */
  msi: { readonly address: number; readonly data: number } | undefined = undefined;

  readonly #unit: IntelIommu;
  readonly #cache: TranslationCache;
  readonly #groups: PageGroups;
  readonly #detach: () => void;
  #ats: boolean;
  #transfers: Transfer[] = [];
  #invalidations: PendingInvalidation[] = [];
  /** Something came forward since the step began. */
  #hasMoved = false;

  /**
   * Connects a device to a unit.
   *
   * @throws RangeError if an option is out of range; Error if the source-id has a device already
   */
  constructor(unit: IntelIommu, options: ModelDeviceOptions) {
    const { sourceId, ats = true, cacheEntries = 64, pageRequests = 32 } = options;
    checkRange('cacheEntries', cacheEntries, 1, 2 ** 16);
    checkRange('pageRequests', pageRequests, 0, 512);
    this.#unit = unit;
    this.sourceId = sourceId;
    this.#ats = ats;
    this.#cache = new TranslationCache(cacheEntries);
    this.#groups = new PageGroups(pageRequests);
    this.pageRequests = pageRequests > 0;
    this.invalidations = options.invalidations ?? 'at-once';
    this.transfers = options.transfers ?? 'at-once';
    this.#detach = unit.attachDevice(sourceId, {
      invalidate: (request, complete) => this.#invalidate(request, complete),
      pageGroupResponse: (response) => this.#groups.answer(response),
    });
  }

  /** Takes the device off the unit. What it has not completed stays outstanding there. */
  detach(): void {
    this.#detach();
  }

  /**
   * ATS is enabled. An unsupported translation request disables it (§4.2.3). Disabling empties the cache; requests that are
   * on their way arrive.
   */
  get ats(): boolean {
    return this.#ats;
  }

  set ats(enabled: boolean) {
    this.#ats = enabled;
    if (!enabled) this.#cache.clear();
  }

  /** What its address translation cache holds, the entry that was longest out of use first. */
  get cached(): readonly CachedTranslation[] {
    return this.#cache.entries;
  }

  /** Page request groups that have no response yet, oldest first. */
  get waitingGroups(): readonly PageGroup[] {
    return this.#groups.waiting;
  }

  /** Responses that answered none of its groups; a device ignores them (§7.8). */
  get unexpectedResponses(): number {
    return this.#groups.unexpected;
  }

  /** Invalidations that it has not completed. */
  get pendingInvalidations(): number {
    return this.#invalidations.length;
  }

  /**
   * Starts a DMA read.
   *
   * @param address - first input address, 0 to 2^64 - 1
   * @param length - bytes
   * @returns the transfer; its `data` fill as it goes on
   * @throws RangeError or TypeError if the requests would be none
   */
  read(address: number | bigint, length: number, options: TransferOptions = {}): Transfer {
    return this.#start(address, new Uint8Array(length), false, options);
  }

  /** Starts a DMA write of bytes, which are copied; see {@link read}. */
  write(address: number | bigint, bytes: Uint8Array, options: TransferOptions = {}): Transfer {
    return this.#start(address, bytes.slice(), true, options);
  }

  /**
   * Sends its MSI, behind its writes: those that are on their way arrive before it.
   *
   * @throws Error if nobody has set {@link msi}
   */
  interrupt(): void {
    const { msi } = this;
    if (msi === undefined) throw new Error('the device has no MSI: set msi to an address in 0xfee00000 to 0xfeefffff');
    for (const transfer of this.#transfers) if (transfer.isWrite) this.#arrive(transfer);
    this.#settle();
    const { data } = msi;
    this.#unit.region(this.sourceId).write(msi.address, Uint8Array.of(data, data >> 8, data >> 16, data >> 24));
  }

  /**
   * Lets everything go on: transfers whose page requests were answered, or that are on their way; then the completions of
   * invalidations that wait for nothing else.
   *
   * @returns whether anything came forward: a memory request was sent or has arrived, a transfer has ended, an invalidation
   * was completed. Page requests alone do not count, so that `while (device.step());` ends
   */
  step(): boolean {
    // what is invalidated within the step is completed by the next one
    const due = this.invalidations === 'never' ? [] : [...this.#invalidations];
    this.#hasMoved = false;
    for (const transfer of this.#transfers) this.#proceed(transfer);
    this.#forgetTransfers();
    this.#complete(due);
    this.#settle();
    return this.#hasMoved;
  }

  #start(address: number | bigint, data: Uint8Array, isWrite: boolean, options: TransferOptions): Transfer {
    const { pasid, privileged = false } = options;
    checkAddress(address, data.length);
    checkRange('pasid', pasid ?? 0, 0, 0xf_ffff);
    if (privileged && pasid === undefined) throw new TypeError('only requests with PASID are privileged: give a pasid');
    const transfer = new Transfer(BigInt(address), data, isWrite, { pasid, privileged });
    this.#transfers.push(transfer);
    if (this.transfers === 'at-once') this.#proceed(transfer);
    this.#forgetTransfers();
    this.#settle();
    return transfer;
  }

  #forgetTransfers(): void {
    const left = this.#transfers.filter(({ isOver }) => !isOver);
    if (left.length < this.#transfers.length) this.#hasMoved = true;
    this.#transfers = left;
  }

  /** One stage of a transfer, or all that it can do by itself. */
  #proceed(transfer: Transfer): void {
    const { group } = transfer;
    if (group !== undefined) {
      if (group.code === undefined) return;
      transfer.group = undefined;
      if (group.code === 'response-failure') this.pageRequests = false;
      if (group.code !== 'success') {
        transfer.failure = group.code;
        return;
      }
    }
    do {
      if (transfer.inFlight !== undefined) this.#arrive(transfer);
      else if (!this.#send(transfer)) return;
    } while (this.transfers === 'at-once' && !transfer.isOver);
  }

  /** Sends the memory request for the next page; answers whether there was one. */
  #send(transfer: Transfer): boolean {
    const address = transfer.address + BigInt(transfer.moved);
    const length = Math.min(PAGE_BYTES - Number(address & 0xfffn), transfer.data.length - transfer.moved);
    const translation = this.#ats ? this.#translate(transfer, address) : undefined;
    if (transfer.isOver) return false;
    if (translation === 'no-right') {
      this.#requestPages(transfer, address);
      return false;
    }
    this.#hasMoved = true;
    if (translation === undefined) {
      const { pasid, privileged } = transfer;
      this.#access(transfer, pasid, address, length, { privileged });
    } else {
      transfer.inFlight = { translation, address: translation.address + (address - translation.first), length };
    }
    return true;
  }

  /** The memory request that is on its way reaches the unit. */
  #arrive(transfer: Transfer): void {
    const { inFlight } = transfer;
    if (inFlight === undefined) return;
    transfer.inFlight = undefined;
    this.#hasMoved = true;
    this.#access(transfer, undefined, inFlight.address, inFlight.length, { translated: true });
  }

  #access(
    transfer: Transfer,
    pasid: number | undefined,
    address: bigint,
    length: number,
    attributes: RequestAttributes,
  ): void {
    const region = this.#unit.region(this.sourceId, pasid);
    const bytes = transfer.data.subarray(transfer.moved, transfer.moved + length);
    const count = transfer.isWrite ? region.write(address, bytes, attributes) : region.read(address, bytes, attributes);
    if (count === length) transfer.moved += length;
    else transfer.failure = 'blocked';
  }

  /** What the cache holds, or the unit grants; `undefined` if only an untranslated request can be made. */
  #translate(transfer: Transfer, address: bigint): CachedTranslation | 'no-right' | undefined {
    const { pasid, privileged, isWrite } = transfer;
    const requests: Requests = { pasid, privileged };
    const cached = this.#cache.find(requests, address, isWrite);
    if (cached !== undefined) return cached;
    const pages = Math.ceil((Number(address & 0xfffn) + transfer.data.length - transfer.moved) / PAGE_BYTES);
    const request = { address, pages, noWrite: !isWrite, ...(privileged ? { privileged } : {}) };
    const answer = this.#unit.region(this.sourceId, pasid).translationRequest(request);
    if (answer.status !== 'success') {
      if (answer.status === 'unsupported-request') this.ats = false;
      transfer.failure = answer.status;
      return undefined;
    }
    const [first, ...further] = answer.entries;
    if (first === undefined || first.untranslatedOnly) return undefined;
    if (!(isWrite ? first.write : first.read)) return 'no-right';
    let next = (address & -BigInt(first.size)) + BigInt(first.size);
    for (const each of further) {
      this.#cache.insert(requests, next, each);
      next += BigInt(each.size);
    }
    return this.#cache.insert(requests, address, first);
  }

  /** Asks for the page, and for those behind it that the transfer will miss, as one group. */
  #requestPages(transfer: Transfer, address: bigint): void {
    if (!this.pageRequests) {
      transfer.failure = 'no-right';
      return;
    }
    const { pasid, privileged, isWrite } = transfer;
    const most = Math.min(this.#groups.credits, MOST_IN_GROUP);
    const end = transfer.address + BigInt(transfer.data.length);
    const pages: bigint[] = [];
    for (let page = address & -4096n; page < end && pages.length < most; page += 4096n) {
      if (pages.length > 0 && this.#translate(transfer, page) !== 'no-right') break;
      pages.push(page);
    }
    // without a credit it tries again with the next step
    if (pages.length === 0 || transfer.isOver) return;
    const group = this.#groups.open(pasid, pages.length);
    transfer.group = group;
    for (const [index, page] of pages.entries()) {
      this.#unit.pageRequest({
        sourceId: this.sourceId,
        pasid,
        address: page,
        read: !isWrite,
        write: isWrite,
        privileged,
        lastInGroup: index === pages.length - 1,
        group: group.index,
      });
    }
  }

  #invalidate(request: DeviceTlbInvalidation, complete: () => void): void {
    this.#cache.drop(request);
    const after: PendingInvalidation['after'] = new Map();
    for (const transfer of this.#transfers) {
      const { inFlight } = transfer;
      if (inFlight !== undefined && concerns(request, inFlight.translation)) after.set(transfer, inFlight);
    }
    this.#invalidations.push({ complete, after });
    this.#settle();
  }

  /** Completes what is to be completed at once. */
  #settle(): void {
    if (this.invalidations === 'at-once') this.#complete(this.#invalidations);
  }

  #complete(due: readonly PendingInvalidation[]): void {
    const ready = due.filter(({ after }) => [...after].every(([transfer, request]) => transfer.inFlight !== request));
    this.#invalidations = this.#invalidations.filter((each) => !ready.includes(each));
    if (ready.length > 0) this.#hasMoved = true;
    for (const { complete } of ready) complete();
  }
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RangeError(`${name} ${value}: it must be a whole number from ${least} to ${most}`);
}

/** A number has to be exact, and no transfer passes the end of the address space. */
function checkAddress(address: number | bigint, length: number): void {
  const isExact = typeof address === 'bigint' || Number.isSafeInteger(address);
  if (isExact && address >= 0 && BigInt(address) + BigInt(length) <= 1n << 64n) return;
  throw new RangeError(
    `a transfer of ${length} bytes at ${address}: it must be in 0 to 2^64 - 1; an address from 2^53 on has to be a bigint`,
  );
}
