import type { Requester } from '../walk/requester.js';
import type { Stage } from '../walk/stage.js';
import type { IommuMemoryRegion } from './region.js';

const EVERYTHING = 2 ** 64;

/** A region with notifiers, and what of it may differ from what they have announced. */
interface Watched {
  /** What the tables said of the requester when its notifiers were last brought up to date. */
  requester: Requester | undefined;
  /** The range to look at again; empty when `end` is 0. */
  first: number;
  end: number;
}

/**
 * Keeps the notifiers of all regions up to date (§6.1): each invalidation marks what it may concern, and before software
 * learns that it is done, the difference to what was announced is told. The tables are looked at once for all the
 * invalidations in between.
 */
export class NotifierUpkeep {
  readonly #watched = new Map<IommuMemoryRegion, Watched>();
  readonly #resolve: (region: IommuMemoryRegion) => Requester | undefined;
  readonly #cachingMode: boolean;
  #dirty = false;
  #telling = false;

  /**
   * @param resolve - what the tables in memory say of a requester now; `undefined` while nothing is translated
   * @param cachingMode - CAP.CM: without it only what is invalidated is known, not what is mapped
   */
  constructor(resolve: (region: IommuMemoryRegion) => Requester | undefined, cachingMode: boolean) {
    this.#resolve = resolve;
    this.#cachingMode = cachingMode;
  }

  /** The notifiers of a region were added or removed. */
  watch(region: IommuMemoryRegion): void {
    if (region.notifiers.size === 0) this.#watched.delete(region);
    else if (!this.#watched.has(region))
      this.#watched.set(region, { requester: this.#resolve(region), first: 0, end: 0 });
  }

  /** Everything may have changed. */
  markAll(): void {
    for (const watched of this.#watched.values()) this.#mark(watched, 0, EVERYTHING);
  }

  /** Requesters for which `concerns` holds may have changed altogether. */
  markSource(concerns: (sourceId: number) => boolean): void {
    for (const [region, watched] of this.#watched) {
      if (concerns(region.sourceId)) this.#mark(watched, 0, EVERYTHING);
    }
  }

  /** A range of a domain may have changed: of its second stages, and any part of what goes through a first one. */
  markDomain(domainId: number, first: number, end: number): void {
    this.#markWhere(first, end, (requester) => requester.domainId === domainId, true);
  }

  /** A range of a PASID in a domain may have changed. */
  markPasid(domainId: number, pasid: number, first: number, end: number): void {
    this.#markWhere(first, end, (requester) => requester.domainId === domainId && requester.pasid === pasid, false);
  }

  /** @param guestAddresses - the range is one of a second stage's input addresses */
  #markWhere(first: number, end: number, concerns: (requester: Requester) => boolean, guestAddresses: boolean): void {
    for (const [region, watched] of this.#watched) {
      const before = watched.requester;
      const now = this.#resolve(region);
      if (![before, now].some((requester) => requester !== undefined && concerns(requester))) continue;
      // a requester that came into the domain or left it differs everywhere, not only in the range
      const inRange = sameTables(before, now) && !(guestAddresses && now?.first !== undefined);
      if (inRange) this.#mark(watched, first, end);
      else this.#mark(watched, 0, EVERYTHING);
    }
  }

  #mark(watched: Watched, first: number, end: number): void {
    watched.first = watched.end === 0 ? first : Math.min(watched.first, first);
    watched.end = Math.max(watched.end, end);
    this.#dirty = true;
  }

  /** Whether notifiers are being told of something. */
  get isTelling(): boolean {
    return this.#telling;
  }

  /**
   * Tells all notifiers what differs. What their listeners cause in turn is told afterwards, so that each notifier hears
   * of its changes in order.
   */
  flush(): void {
    this.exclusively(() => undefined);
  }

  /** Runs something that announces to notifiers, then tells what has changed until then. */
  exclusively(announce: () => void): void {
    if (this.#telling) {
      announce();
      return;
    }
    this.#telling = true;
    try {
      announce();
      while (this.#dirty) this.tellAll();
    } finally {
      this.#telling = false;
    }
  }

  private tellAll(): void {
    this.#dirty = false;
    for (const [region, watched] of this.#watched) {
      const { first, end } = watched;
      if (end === 0) continue;
      watched.first = 0;
      watched.end = 0;
      watched.requester = this.#resolve(region);
      for (const notifier of [...region.notifiers]) {
        if (this.#cachingMode) region.syncNotifier(notifier, first, end);
        else notifier.withdraw(first, end);
      }
    }
  }
}

function sameTables(before: Requester | undefined, now: Requester | undefined): boolean {
  if (before === undefined || now === undefined) return before === now;
  return (
    before.condition === now.condition &&
    before.domainId === now.domainId &&
    before.pasid === now.pasid &&
    before.privileged === now.privileged &&
    sameStage(before.first, now.first) &&
    sameStage(before.second, now.second)
  );
}

function sameStage(before: Stage | undefined, now: Stage | undefined): boolean {
  if (before === undefined || now === undefined) return before === now;
  return STAGE_FIELDS.every((name) => before[name] === now[name]);
}

const STAGE_FIELDS = ['rules', 'table', 'levels', 'accessed', 'dirty', 'snooped', 'writeProtected'] as const;
