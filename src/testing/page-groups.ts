import type { PageGroupResponse, ResponseCode } from '../ats/page-request.js';

const GROUPS = 512;

/** A page request group of a device: requests that one response answers. */
export interface PageGroup {
  /** PRGI, 0 to 511. */
  readonly index: number;
  readonly pasid: number | undefined;
  /** How many requests it is made of. */
  readonly requests: number;
  /** The response, once there was one. */
  code: ResponseCode | undefined;
}

/** A device's page request interface (PCIe PRI): groups that wait for their response, and credits for more. */
export class PageGroups {
  /** Outstanding Page Request Allocation: how many requests may wait at once. */
  readonly capacity: number;
  /** Responses that no group was waiting for. A device ignores them. */
  unexpected = 0;
  readonly #waiting = new Map<number, PageGroup>();
  #next = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Groups that have no response yet, oldest first. */
  get waiting(): readonly PageGroup[] {
    return [...this.#waiting.values()];
  }

  /** How many requests may be sent now. */
  get credits(): number {
    return this.waiting.reduce((left, { requests }) => left - requests, this.capacity);
  }

  /** A group of the next free index: an index comes again as late as possible, so that late responses find nobody. */
  open(pasid: number | undefined, requests: number): PageGroup {
    while (this.#waiting.has(this.#next)) this.#next = (this.#next + 1) % GROUPS;
    const group: PageGroup = { index: this.#next, pasid, requests, code: undefined };
    this.#waiting.set(group.index, group);
    this.#next = (this.#next + 1) % GROUPS;
    return group;
  }

  answer({ group: index, pasid, code }: PageGroupResponse): void {
    const group = this.#waiting.get(index);
    if (group === undefined || group.pasid !== pasid) {
      this.unexpected++;
      return;
    }
    group.code = code;
    this.#waiting.delete(index);
  }
}
