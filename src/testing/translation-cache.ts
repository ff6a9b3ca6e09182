import type { DeviceTlbInvalidation } from '../ats/device-port.js';
import type { TranslationEntry } from '../ats/translation-request.js';

/** For whom a translation holds: requests of one PASID, or without one, and of one privilege. */
export interface Requests {
  readonly pasid: number | undefined;
  readonly privileged: boolean;
}

/** What an address translation cache holds of a block of addresses. */
export interface CachedTranslation extends Requests {
  /** First input address and size in bytes: a power of two, to which it is aligned. */
  readonly first: bigint;
  readonly size: bigint;
  /** Host address of the first byte. */
  readonly address: bigint;
  readonly read: boolean;
  readonly write: boolean;
  /** It serves every PASID. The unit grants no such translations. */
  readonly global: boolean;
}

/** A device's address translation cache: a few entries, the one that was longest out of use goes first. */
export class TranslationCache {
  readonly #capacity: number;
  /** In the order of their last use. */
  #entries: CachedTranslation[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get entries(): readonly CachedTranslation[] {
    return this.#entries;
  }

  /** The entry that translates an address and grants what is asked for. */
  find(requests: Requests, address: bigint, write: boolean): CachedTranslation | undefined {
    const found = this.#entries.find(
      (entry) => serves(entry, requests) && covers(entry, address) && (write ? entry.write : entry.read),
    );
    if (found !== undefined) this.#entries = [...this.#entries.filter((each) => each !== found), found];
    return found;
  }

  /** Takes over a translation of the block around `address`, in place of what it held of that. */
  insert(requests: Requests, address: bigint, granted: TranslationEntry): CachedTranslation {
    const size = BigInt(granted.size);
    const { read, write, global } = granted;
    const { pasid, privileged } = requests;
    const first = address & ~(size - 1n);
    const entry = { pasid, privileged, first, size, address: granted.address, read, write, global };
    const others = this.#entries.filter((each) => !(serves(each, requests) && overlaps(each, first, size)));
    this.#entries = [...others, entry].slice(-this.#capacity);
    return entry;
  }

  /** Drops what an invalidation names: a global one all PASIDs, no other one what belongs to requests without (§4.3). */
  drop(invalidation: DeviceTlbInvalidation): void {
    this.#entries = this.#entries.filter((entry) => !concerns(invalidation, entry));
  }

  clear(): void {
    this.#entries = [];
  }
}

/** Whether a device may not use a translation any more once it has completed an invalidation. */
export function concerns(
  { pasid, global, address, size }: DeviceTlbInvalidation,
  entry: Pick<CachedTranslation, 'pasid' | 'first' | 'size' | 'global'>,
): boolean {
  const isNamed =
    entry.pasid === undefined ? pasid === undefined && !global : global || entry.global || entry.pasid === pasid;
  return isNamed && overlaps(entry, address, size);
}

function serves(entry: CachedTranslation, { pasid, privileged }: Requests): boolean {
  const isOwn = entry.pasid === pasid || (entry.global && entry.pasid !== undefined && pasid !== undefined);
  return isOwn && entry.privileged === privileged;
}

function covers({ first, size }: CachedTranslation, address: bigint): boolean {
  return address >= first && address < first + size;
}

function overlaps(entry: Pick<CachedTranslation, 'first' | 'size'>, first: bigint, size: bigint): boolean {
  return entry.first < first + size && first < entry.first + entry.size;
}
