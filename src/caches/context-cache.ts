import type { Context } from '../walk/requester.js';

/** Cached context entries, by the tags by which software drops them (§6.2.2, Table 17). */
export class ContextCache {
  readonly #bySource = new Map<number, Context>();
  readonly #byDomain = new Map<number, Set<number>>();
  readonly #dropped: (sourceId: number) => void;

  /** @param dropped - told of each source-id whose entry goes */
  constructor(dropped: (sourceId: number) => void) {
    this.#dropped = dropped;
  }

  get size(): number {
    return this.#bySource.size;
  }

  /** What is cached, by source-id, in the order in which it was. */
  entries(): Iterable<[sourceId: number, context: Context]> {
    return this.#bySource;
  }

  get(sourceId: number): Context | undefined {
    return this.#bySource.get(sourceId);
  }

  /**
   * Keeps an entry. In legacy mode one that was found not present or erroneous has the domain-id 0 (§6.2.2); in scalable
   * mode context entries have no domain-id, and all have 0.
   */
  insert(sourceId: number, context: Context): void {
    this.drop(sourceId);
    this.#bySource.set(sourceId, context);
    const domain = this.#byDomain.get(context.domainId);
    if (domain === undefined) this.#byDomain.set(context.domainId, new Set([sourceId]));
    else domain.add(sourceId);
  }

  dropAll(): void {
    for (const sourceId of [...this.#bySource.keys()]) this.drop(sourceId);
  }

  dropDomain(domainId: number): void {
    for (const sourceId of this.#byDomain.get(domainId) ?? []) this.drop(sourceId);
  }

  /** Drops the entry of a source-id if it is cached for that domain-id. */
  dropDevice(domainId: number, sourceId: number): void {
    if (this.#bySource.get(sourceId)?.domainId === domainId) this.drop(sourceId);
  }

  /** Drops the entry of a source-id. */
  drop(sourceId: number): void {
    const context = this.#bySource.get(sourceId);
    if (context === undefined) return;
    const domain = this.#byDomain.get(context.domainId);
    domain?.delete(sourceId);
    if (domain?.size === 0) this.#byDomain.delete(context.domainId);
    this.#bySource.delete(sourceId);
    this.#dropped(sourceId);
  }
}

/** The source-ids that a device-selective request names: function mask 1 to 3 leaves 1, 2 or 3 bits open (§6.5.2.1). */
export function maskedSourceIds(sourceId: number, functionMask: number): number[] {
  const open = [0, 0b100, 0b110, 0b111][functionMask & 3] as number;
  const ids: number[] = [];
  for (let functions = 0; functions < 8; functions++) {
    if ((functions & ~open) === 0) ids.push((sourceId & ~open) | functions);
  }
  return ids;
}
