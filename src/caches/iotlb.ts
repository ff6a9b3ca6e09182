/**
 * One entry takes eight words of {@link Iotlb.cells}: the fields that a lookup compares, then those that it returns.
 * A page keeps its size, so a 1 GiB page is one entry.
 */
export const CELL = {
  /** Page number bits 31:0 (address bits 43:12), then bits 51:32 with the size's shift from bit 24 on. */
  PAGE_LO: 0,
  PAGE_HI: 1,
  /** The requester; 0 in a free entry. */
  TAG: 2,
  /** Rights that need no walk, flags from bit 8, all rights from bit 9, the condition of a cached fault from bit 16 on. */
  RIGHTS: 3,
  /** Host address of the page. */
  HOST_LO: 4,
  HOST_HI: 5,
  /** The entry that was pushed behind this place (policy keepAll). */
  NEXT: 6,
  /** The list of the entry's domain. */
  DOMAIN: 7,
  WORDS: 8,
} as const;

// Local constants: V8 folds them into the code, while it reads an imported one from its module each time.
const { PAGE_LO, PAGE_HI, TAG, RIGHTS, HOST_LO, HOST_HI, NEXT, DOMAIN, WORDS } = CELL;

/** Flag of {@link CELL}.RIGHTS: the page is always accessed with snooping. */
const SNOOP = 0x100;

/** Even `keepAll` ends here, so that no guest can exhaust the memory of its host. */
const MOST_ENTRIES = 2 ** 22;

/**
 * All entries that are dropped by the same tags, as a doubly linked list, so that dropping them costs by what is dropped:
 * those of one domain-id, in scalable mode also of one PASID, and apart from each other those of first stages (also
 * nested), which page-selective invalidations meet in another way (§6.5.2.3 Table 23, §6.5.2.4 Table 24).
 */
export interface DomainList {
  readonly domainId: number;
  readonly pasid: number;
  readonly firstStage: boolean;
  readonly index: number;
  first: number;
  count: number;
  /** Requesters that fill it now. */
  users: number;
  /** Requesters that may have entries in the list. */
  readonly tags: Set<number>;
}

/**
 * The IOTLB (§6.2.4): translations by requester and page, dropped by domain and page. Direct-mapped: an entry has one
 * place, and a newcomer displaces the one that is there, or with `keepAll` pushes it into a chain behind that place.
 */
export class Iotlb {
  /** The entries; 0 is never used, so that it can stand for "none". With `keepAll` the array is replaced when it has to grow. */
  cells: Int32Array;
  /** An entry's place is `((page ^ saltOf(tag)) & mask) + 1`. */
  readonly mask: number;
  readonly #keepAll: boolean;
  /** Neighbours of an entry in its domain's list, two words an entry: next, previous. */
  #links: Int32Array;
  #lists: (DomainList | undefined)[] = [];
  #unusedLists: number[] = [];
  #byDomain = new Map<number, DomainList[]>();
  /** Sizes above 4 KiB that were ever inserted, in that order, so that a lookup probes no place in vain. */
  readonly shifts: number[] = [];
  /** Places that entries are kept in; 0 for an IOTLB that keeps none. */
  readonly places: number;
  /** Most entries that stand behind places (policy keepAll). */
  readonly mostBehind: number;
  #free = 0;
  #used: number;
  /** Entries in use. */
  size = 0;

  constructor(entries: number, keepAll: boolean) {
    // without places nothing is ever found: one place that is never filled keeps the lookup free of a special case
    const places = Math.max(entries, 1);
    this.places = entries;
    this.mask = places - 1;
    this.mostBehind = keepAll ? MOST_ENTRIES - (places + 1) : 0;
    this.#keepAll = keepAll;
    this.cells = new Int32Array((places + 1) * WORDS);
    this.#links = new Int32Array((places + 1) * 2);
    this.#used = places + 1;
  }

  /**
   * The list that a requester's entries go into.
   *
   * @param held - the one that they went into before, which is forgotten when nobody fills it and it is empty
   */
  listFor(held: DomainList | undefined, domainId: number, pasid: number, firstStage: boolean): DomainList {
    const list = this.list(domainId, pasid, firstStage);
    if (list === held) return list;
    list.users++;
    if (held !== undefined) {
      held.users--;
      this.forgetUnused(held);
    }
    return list;
  }

  private list(domainId: number, pasid: number, firstStage: boolean): DomainList {
    const lists = this.#byDomain.get(domainId) ?? [];
    const found = lists.find((each) => each.pasid === pasid && each.firstStage === firstStage);
    if (found !== undefined) return found;
    const index = this.#unusedLists.pop() ?? this.#lists.length;
    const list = { domainId, pasid, firstStage, index, first: 0, count: 0, users: 0, tags: new Set<number>() };
    this.#lists[index] = list;
    lists.push(list);
    this.#byDomain.set(domainId, lists);
    return list;
  }

  private forgetUnused(list: DomainList): void {
    if (list.users > 0 || list.count > 0) return;
    const lists = this.#byDomain.get(list.domainId) as DomainList[];
    lists.splice(lists.indexOf(list), 1);
    if (lists.length === 0) this.#byDomain.delete(list.domainId);
    this.#lists[list.index] = undefined;
    this.#unusedLists.push(list.index);
  }

  /** Where in {@link cells} the entry stands that translates an address, whatever its page size; 0 if there is none. */
  find(tag: number, hi: number, lo: number): number {
    const at = this.findPage(tag, pageLo(hi, lo, 12), pageHi(hi, 12), 12);
    return at !== 0 || this.shifts.length === 0 ? at : this.findLargePage(tag, hi, lo);
  }

  private findLargePage(tag: number, hi: number, lo: number): number {
    for (const shift of this.shifts) {
      const at = this.findPage(tag, pageLo(hi, lo, shift), pageHi(hi, shift), shift);
      if (at !== 0) return at;
    }
    return 0;
  }

  private findPage(tag: number, page: number, high: number, shift: number): number {
    const { cells } = this;
    let at = this.place(page, tag, shift) * WORDS;
    do {
      if (cells[at | PAGE_LO] === page && cells[at | PAGE_HI] === high && cells[at | TAG] === tag) return at;
      at = (cells[at | NEXT] as number) * WORDS;
    } while (at !== 0);
    return 0;
  }

  /** The list in which the entry at `at` is kept. */
  listOf(at: number): DomainList {
    return this.#lists[this.cells[at | DOMAIN] as number] as DomainList;
  }

  private place(page: number, tag: number, shift: number): number {
    return (((page >>> (shift - 12)) ^ saltOf(tag)) & this.mask) + 1;
  }

  /**
   * Keeps a translation, in place of the one that the requester had for the same page.
   *
   * @param shift - the page's size: 12, 21 or 30
   * @param word - its {@link CELL}.RIGHTS, made by {@link rightsWord}
   * @param hostHi - host address of the page (any byte of it)
   */
  insert(
    domain: DomainList,
    tag: number,
    hi: number,
    lo: number,
    shift: number,
    word: number,
    hostHi: number,
    hostLo: number,
  ): void {
    const page = pageLo(hi, lo, shift);
    const high = pageHi(hi, shift);
    if (shift !== 12 && !this.shifts.includes(shift)) this.shifts.push(shift);
    const at = this.entryFor(tag, page, high, shift) * WORDS;
    this.fill(at, domain, tag, page, high, word, hostHi, hostLo & -(1 << shift));
  }

  private fill(
    at: number,
    domain: DomainList,
    tag: number,
    page: number,
    high: number,
    word: number,
    hostHi: number,
    hostLo: number,
  ): void {
    const { cells } = this;
    this.takeOver(at, domain, tag);
    cells[at | PAGE_LO] = page;
    cells[at | PAGE_HI] = high;
    cells[at | TAG] = tag;
    cells[at | RIGHTS] = word;
    cells[at | HOST_LO] = hostLo;
    cells[at | HOST_HI] = hostHi;
  }

  /** Enters a requester's entry into its list; the occupant of a place leaves its own. Then the entry is to be filled. */
  takeOver(at: number, domain: DomainList, tag: number): void {
    const { cells } = this;
    const occupant = cells[at | TAG] as number;
    const sameDomain = occupant !== 0 && cells[at | DOMAIN] === domain.index;
    if (!sameDomain || occupant !== tag) domain.tags.add(tag);
    if (sameDomain) return;
    // an occupant of the same domain would leave its place in the list to the newcomer
    if (occupant !== 0) this.unlink(at / WORDS);
    this.link(at / WORDS, domain);
  }

  /** Puts an entry that was saved where it was: at its place, or as the first one behind it. `high` holds its size. */
  put(
    behind: boolean,
    { domainId, pasid, firstStage }: Pick<DomainList, 'domainId' | 'pasid' | 'firstStage'>,
    tag: number,
    page: number,
    high: number,
    word: number,
    hostHi: number,
    hostLo: number,
  ): void {
    const place = this.place(page, tag, high >>> 24);
    const entry = behind ? this.chain(place) : place;
    this.fill(entry * WORDS, this.list(domainId, pasid, firstStage), tag, page, high, word, hostHi, hostLo);
  }

  /** The entry for a page: the one that has it, its place, or with `keepAll` a new one behind a place that is taken. */
  private entryFor(tag: number, page: number, high: number, shift: number): number {
    const place = this.place(page, tag, shift);
    if (!this.#keepAll) return place;
    const found = this.findPage(tag, page, high, shift);
    if (found !== 0) return found / WORDS;
    if (this.cells[place * WORDS + TAG] === 0) return place;
    return this.#free !== 0 || this.#used < MOST_ENTRIES ? this.chain(place) : place;
  }

  private chain(place: number): number {
    let entry = this.#free;
    if (entry !== 0) this.#free = this.cells[entry * WORDS + NEXT] as number;
    else {
      entry = this.#used++;
      if (entry * WORDS >= this.cells.length) this.grow();
    }
    const { cells } = this;
    cells[entry * WORDS + NEXT] = cells[place * WORDS + NEXT] as number;
    cells[place * WORDS + NEXT] = entry;
    return entry;
  }

  private grow(): void {
    const cells = new Int32Array(this.cells.length * 2);
    cells.set(this.cells);
    this.cells = cells;
    const links = new Int32Array(this.#links.length * 2);
    links.set(this.#links);
    this.#links = links;
  }

  private link(entry: number, domain: DomainList): void {
    const { first } = domain;
    this.#links[entry * 2] = first;
    this.#links[entry * 2 + 1] = 0;
    if (first !== 0) this.#links[first * 2 + 1] = entry;
    domain.first = entry;
    domain.count++;
    this.cells[entry * WORDS + DOMAIN] = domain.index;
    this.size++;
  }

  /** Takes an entry out of its domain's list; its place is free for another. */
  private unlink(entry: number): void {
    const links = this.#links;
    const next = links[entry * 2] as number;
    const previous = links[entry * 2 + 1] as number;
    const domain = this.#lists[this.cells[entry * WORDS + DOMAIN] as number] as DomainList;
    if (next !== 0) links[next * 2 + 1] = previous;
    if (previous !== 0) links[previous * 2] = next;
    else domain.first = next;
    domain.count--;
    this.size--;
    if (domain.count === 0) this.forgetUnused(domain);
  }

  private drop(entry: number): void {
    this.unlink(entry);
    const { cells } = this;
    const at = entry * WORDS;
    if (entry > this.mask + 1) {
      // an entry of a chain leaves it; the chain begins at the place that it would like to have
      const page = cells[at | PAGE_LO] as number;
      let before = this.place(page, cells[at | TAG] as number, (cells[at | PAGE_HI] as number) >>> 24);
      while (cells[before * WORDS + NEXT] !== entry) before = cells[before * WORDS + NEXT] as number;
      cells[before * WORDS + NEXT] = cells[at | NEXT] as number;
      cells[at | NEXT] = this.#free;
      this.#free = entry;
    }
    cells[at | TAG] = 0;
  }

  /** Drops everything (§6.5.2.3, global). */
  dropAll(): void {
    for (const list of this.#lists) if (list !== undefined) this.dropList(list);
  }

  /** Drops all entries of a domain-id. */
  dropDomain(domainId: number): void {
    for (const list of this.listsOf(domainId)) this.dropList(list);
  }

  /** Drops all entries of a PASID in a domain-id (§6.5.2.4, PASID-selective). */
  dropPasid(domainId: number, pasid: number): void {
    for (const list of this.listsOf(domainId)) if (list.pasid === pasid) this.dropList(list);
  }

  /**
   * Drops the entries of a domain-id that translate any of 2^`mask` pages (§6.5.2.3, page-selective), and all of its first
   * stages, whose addresses are others. A large page goes as a whole.
   *
   * @param hi - address of the first page, in two halves; bits below 12 + `mask` are ignored
   */
  dropPages(domainId: number, hi: number, lo: number, mask: number): void {
    for (const list of this.listsOf(domainId)) {
      if (list.firstStage) this.dropList(list);
      else this.dropPagesOf(list, hi, lo, mask);
    }
  }

  /** Drops the entries of first stages of a PASID that translate any of 2^`mask` pages (§6.5.2.4, page-selective). */
  dropPasidPages(domainId: number, pasid: number, hi: number, lo: number, mask: number): void {
    for (const list of this.listsOf(domainId)) {
      if (list.firstStage && list.pasid === pasid) this.dropPagesOf(list, hi, lo, mask);
    }
  }

  private listsOf(domainId: number): DomainList[] {
    const lists = this.#byDomain.get(domainId);
    // a list that gets empty may leave them
    return lists === undefined ? [] : [...lists];
  }

  private dropList(list: DomainList): void {
    while (list.first !== 0) this.drop(list.first);
    list.tags.clear();
  }

  /** Costs the smaller of the places that those pages could be in and the entries that the list holds. */
  private dropPagesOf(list: DomainList, hi: number, lo: number, mask: number): void {
    if (list.count === 0) return;
    if (mask < 13 && 2 ** mask * list.tags.size * (1 + this.shifts.length) < list.count) {
      this.dropByPlace(list, hi, lo, 2 ** mask);
      return;
    }
    for (let entry = list.first; entry !== 0; ) {
      const next = this.#links[entry * 2] as number;
      if (this.overlaps(entry, hi, lo, mask)) this.drop(entry);
      entry = next;
    }
  }

  private dropByPlace(list: DomainList, hi: number, lo: number, pages: number): void {
    const first = lo & -(pages * 4096);
    for (const tag of list.tags) {
      for (let page = 0; page < pages; page++) this.dropPage(list, tag, hi, first + page * 4096, 12);
      for (const shift of this.shifts) {
        for (let offset = 0; offset < pages * 4096; offset += 2 ** shift)
          this.dropPage(list, tag, hi, first + offset, shift);
      }
    }
  }

  private dropPage(list: DomainList, tag: number, hi: number, lo: number, shift: number): void {
    const at = this.findPage(tag, pageLo(hi, lo, shift), pageHi(hi, shift), shift);
    if (at !== 0 && this.cells[at | DOMAIN] === list.index) this.drop(at / WORDS);
  }

  /** Whether the page of an entry and 2^`mask` pages share an address: whichever is smaller lies in the larger. */
  private overlaps(entry: number, hi: number, lo: number, mask: number): boolean {
    const at = entry * WORDS;
    const high = this.cells[at | PAGE_HI] as number;
    const bits = Math.max((high >>> 24) - 12, mask);
    const differLo = (this.cells[at | PAGE_LO] as number) ^ pageLo(hi, lo, 12);
    const differHi = (high ^ pageHi(hi, 12)) & 0xf_ffff;
    return bits < 32 ? differLo >>> bits === 0 && differHi === 0 : differHi >>> (bits - 32) === 0;
  }
}

/** Spreads the requesters over the places, since their drivers hand out the same addresses. */
function saltOf(tag: number): number {
  return Math.imul(tag, 0x9e37) >>> 3;
}

/** Page number bits 31:0 of the page of size 2^`shift` that holds an address. */
function pageLo(hi: number, lo: number, shift: number): number {
  return ((lo >>> 12) | (hi << 20)) & -(1 << (shift - 12));
}

/** Page number bits 51:32, with the size: a large page and the small one at its beginning are different entries. */
function pageHi(hi: number, shift: number): number {
  return (hi >>> 12) | (shift << 24);
}

/**
 * The {@link CELL}.RIGHTS of an entry.
 *
 * @param rights - all rights of the page, as bits of `ACCESS`
 * @param granted - those that need no flag to be set: a request that asks for another one walks again
 * @param condition - for an entry that was found not present or erroneous, what every access meets; else 0
 */
export function rightsWord(rights: number, granted: number, snoop: boolean, condition: number): number {
  return granted | (snoop ? SNOOP : 0) | (rights << 9) | (condition << 16);
}

export function grantedOf(word: number): number {
  return word & 63;
}

/** All rights of an entry, given its word. */
export function rightsOf(word: number): number {
  return (word >>> 9) & 63;
}

export function snoopOf(word: number): boolean {
  return (word & SNOOP) !== 0;
}

export function conditionOf(word: number): number {
  return word >>> 16;
}

export { SNOOP, saltOf };
