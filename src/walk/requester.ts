import type { CombinedEntries } from './combined-entries.js';
import { OK } from './conditions.js';
import type { HostPermissions } from './host-permissions.js';
import { REQUEST } from './request-kind.js';
import type { Stage } from './stage.js';

/** What becomes of translated requests, which carry the address that a device-TLB was given (§4.2.5). */
export interface DeviceAccess {
  /** The condition that every such request meets, or {@link OK}. */
  readonly condition: number;
  /** The context entry lets its requester have no device-TLB: LCT.5 or SCT.5; {@link OK} if it does, or was not reached. */
  readonly forbidden: number;
  readonly faultsDisabled: boolean;
  /** The table that they are checked in, with HPTE. */
  readonly permissions: HostPermissions | undefined;
}

/** What the tables say of a requester: how its requests are translated, or why none of them is. */
export interface Requester {
  /** The condition that every untranslated request of it meets, or {@link OK}. */
  readonly condition: number;
  /** FPD in any of the structures met: qualified conditions are not recorded (§7.1.1). */
  readonly faultsDisabled: boolean;
  /** The domain-id; 0 for an entry that is absent or erroneous, which is also how a cache keeps it (§6.2.2). */
  readonly domainId: number;
  /** The PASID by which its translations are kept: that of its requests, or RID_PASID. 0 in legacy mode. */
  readonly pasid: number;
  /** The stages that its requests go through, the first one first; pass-through has none. */
  readonly first: Stage | undefined;
  readonly second: Stage | undefined;
  /** RID_PRIV: its requests, which carry no PASID, are supervisor requests. */
  readonly privileged: boolean;
  /** SRE: supervisor requests are accepted. */
  readonly supervisor: boolean;
  /** PGSNP: every access is snooped. */
  readonly snooped: boolean;
  /** Cached tables of a nested translation; `undefined` where nothing is cached. */
  readonly combined?: CombinedEntries | undefined;
  readonly device: DeviceAccess;
}

/** Whether what becomes of a request is said by {@link Requester.device}: a translated one, or one for a translation that may not be. */
export function endsAtDevice({ device }: Requester, kind: number): boolean {
  return kind === REQUEST.translated || (kind === REQUEST.translation && device.forbidden !== OK);
}

/** A requester of which nothing is known but the condition that stops it. */
export function blocked(condition: number, faultsDisabled = false): Requester {
  return {
    condition,
    faultsDisabled,
    domainId: 0,
    pasid: 0,
    first: undefined,
    second: undefined,
    privileged: false,
    supervisor: false,
    snooped: false,
    device: { condition, forbidden: OK, faultsDisabled, permissions: undefined },
  };
}

/** What a context entry leads to. A cache keeps it by source-id. */
export interface Context {
  readonly condition: number;
  /** Its domain-id in legacy mode; 0 in scalable mode, whose context entries have none. */
  readonly domainId: number;
  /** The 32-bit words of the entry; none if the way ended before it. */
  readonly words: readonly number[];
  /**
   * The requester behind it, given what its requests carry.
   *
   * @param kind - as of `REQUEST`: no more is read than such requests need, and page requests only go as far as the PASID
   * entry (§7.4.1). Without it the answer is good for untranslated, translation and translated requests
   */
  requester(pasid: number | undefined, entries: PasidEntries, kind?: number): Requester;
}

/** Where a scalable context gets its PASID entries from: memory, or a cache before it. */
export interface PasidEntries {
  /** @param directory - page number of the PASID directory */
  entry(directory: number, pasid: number): PasidEntry;
}

/** What a PASID entry says, with the directory entry before it. */
export interface PasidEntry
  extends Pick<Requester, 'condition' | 'faultsDisabled' | 'domainId' | 'first' | 'second' | 'supervisor' | 'snooped'> {
  readonly permissions: HostPermissions | undefined;
  /** What a good entry was read from: its words, FPD of its directory entry, and RTADDR.SSIRWE. */
  readonly origin: PasidOrigin | undefined;
}

/** All that a PASID entry is made of. */
export interface PasidOrigin {
  readonly words: readonly number[];
  readonly directoryDisabled: boolean;
  readonly ioRights: boolean;
}

/** The requester of a good entry without anything of scalable mode. */
export function plainRequester(more: Partial<Requester>): Requester {
  return { ...blocked(OK), ...more };
}

/**
 * A context behind which every request is stopped.
 *
 * @param words - those of the context entry; none if it was not read
 */
export function stopped(condition: number, faultsDisabled: boolean, words: readonly number[] = []): Context {
  const requester = blocked(condition, faultsDisabled);
  return { condition, domainId: 0, words, requester: () => requester };
}
