import { type Fault, faultOf } from '../faults/fault.js';
import type { InvalidationEffects } from '../invalidation/effects.js';
import type { IommuMemoryRegion } from '../notifier/region.js';
import { OK } from '../walk/conditions.js';
import { REQUEST } from '../walk/request-kind.js';
import type { Requester } from '../walk/requester.js';
import { EXECUTE, PRIVILEGED_SHIFT, READ, WRITE } from '../walk/rights.js';
import type { Translator } from '../walk/translator.js';
import type { DeviceLinks } from './device-links.js';
import type { PageRequest, PageRequestOutcome } from './page-request.js';
import type { PageRequestQueue } from './page-request-queue.js';

/** Bits of a page request descriptor (§7.4.1.1): its first word, its second, and its third. */
const TYPE = 1;
const PP = 1 << 8;
const RID_SHIFT = 16;
const EXR = 1 << 20;
const PMR = 1 << 21;
const RDR = 1 << 0;
const WRR = 1 << 1;
const LPIG = 1 << 2;
const PRGI_SHIFT = 3;

/** What page requests need of the way of all requests. */
export interface PageRequestWay {
  pageRequester(region: IommuMemoryRegion): Requester;
  refuse(condition: number, region: IommuMemoryRegion, hi: number, lo: number, access: number, kind: number): void;
}

/** Accepts page requests, or answers them as nobody else will (§7.4.1, Table 31). */
export class PageRequests {
  readonly #translator: Translator;
  readonly #way: PageRequestWay;
  readonly #queue: PageRequestQueue;
  readonly #effects: InvalidationEffects;
  readonly #links: DeviceLinks;

  constructor(
    translator: Translator,
    way: PageRequestWay,
    queue: PageRequestQueue,
    effects: InvalidationEffects,
    links: DeviceLinks,
  ) {
    this.#translator = translator;
    this.#way = way;
    this.#queue = queue;
    this.#effects = effects;
    this.#links = links;
  }

  accept(region: IommuMemoryRegion, hi: number, lo: number, request: PageRequest): PageRequestOutcome {
    const { read = false, write = false, privileged = false, execute = false } = request;
    let condition = this.#translator.frontEnd(hi, lo, READ, region.pasid !== undefined, REQUEST.page);
    if (condition === OK) {
      const requester = this.#way.pageRequester(region);
      condition = requester.condition;
      if (condition === OK) {
        if (!this.#queue.claim()) return this.#unqueued(request, 'success');
        this.#invalidate(requester, hi, lo & ~0xfff);
        this.#queue.add(descriptor(request, hi, lo));
        return { outcome: 'queued' };
      }
    }
    const wanted = (read ? READ : 0) | (write ? WRITE : 0) || READ;
    const access = (privileged ? wanted << PRIVILEGED_SHIFT : wanted) | (execute ? EXECUTE : 0);
    this.#way.refuse(condition, region, hi, lo, access, REQUEST.page);
    return this.#unqueued(request, 'invalid-request', faultOf(condition));
  }

  /** An accepted request drops what is cached of its page, or the device would meet it again (§6.5.3.1, Table 27). */
  #invalidate({ domainId, pasid, first, second }: Requester, hi: number, lo: number): void {
    const effects = this.#effects;
    if (first === undefined) effects.iotlbPages(domainId, hi, lo, 0);
    else if (second === undefined) effects.pasidIotlbPages(domainId, pasid, hi, lo, 0);
    else effects.iotlbDomain(domainId);
    effects.complete();
  }

  /** Only the last request of a group is answered, and a stop marker never is (§7.4.1, §7.11). */
  #unqueued(request: PageRequest, code: 'success' | 'invalid-request', fault?: Fault): PageRequestOutcome {
    const { sourceId, pasid, group, lastInGroup, read = false, write = false } = request;
    const told = fault === undefined ? {} : { fault };
    const isStopMarker = pasid !== undefined && !read && !write;
    if (!lastInGroup || isStopMarker) return { outcome: 'dropped', ...told };
    this.#links.respond({ sourceId, pasid, group, code });
    return { outcome: 'answered', code, ...told };
  }
}

function descriptor(request: PageRequest, hi: number, lo: number): number[] {
  const { sourceId, pasid, read, write, privileged, execute, lastInGroup, group } = request;
  return [
    TYPE | (pasid === undefined ? 0 : PP) | (sourceId << RID_SHIFT),
    (pasid ?? 0) | (execute && read ? EXR : 0) | (privileged ? PMR : 0),
    (read ? RDR : 0) | (write ? WRR : 0) | (lastInGroup ? LPIG : 0) | (group << PRGI_SHIFT) | (lo & ~0xfff),
    hi,
    0,
    0,
    0,
    0,
  ];
}
