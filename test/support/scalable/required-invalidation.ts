import type { EditStep } from './edits.js';
import type { QueueInvalidator } from './invalidator.js';
import type { Stage } from './stages.js';
import { type ScalableWorld, spaceOf, stagesOf } from './world.js';

/** A PASID that has an entry in a directory, and the space it names. */
export interface Holder {
  readonly directory: number;
  readonly pasid: number;
  readonly space: number;
}

/** What an edit changed: by this it is decided what has to be invalidated. */
export type Change =
  | { readonly scope: 'nothing' }
  | { readonly scope: 'everything' }
  /** `wasAbsent`: nothing there granted anything, so that only a unit with caching mode may have kept it. */
  | {
      readonly scope: 'pages';
      readonly stage: Stage;
      readonly first: bigint;
      readonly bytes: bigint;
      readonly wasAbsent: boolean;
    }
  | {
      readonly scope: 'space';
      readonly directory: number;
      readonly pasid: number;
      readonly before: number | undefined;
      readonly after: number | undefined;
    }
  | {
      readonly scope: 'context' | 'directory';
      readonly sourceId: number;
      /** Whose entries requests could go by. */
      readonly holders: readonly Holder[];
      readonly wasPresent: boolean;
    };

/** Invalidates what a change requires (§6.5.3.3, §6.5.3.4), or more, and waits until it is done. */
export function invalidateChange(
  queue: QueueInvalidator,
  world: ScalableWorld,
  holders: readonly Holder[],
  change: Change,
  { grain, functionMask }: Omit<EditStep, 'edit'>,
): void {
  if (change.scope === 'nothing') return;
  if (change.scope === 'everything' || grain === 'global') {
    queue.contextGlobal();
    queue.pasidCacheGlobal();
    queue.iotlbGlobal();
  } else if (change.scope === 'pages') invalidatePages(queue, world, holders, change, grain);
  else if (change.scope === 'space') invalidateSpace(queue, world, change);
  else invalidateHolders(queue, world, change, grain, functionMask);
  queue.finish();
}

/** A first stage goes by PASIDs, and is never kept where it is not valid; a second stage goes by domains (§6.1, §6.2.4). */
function invalidatePages(
  queue: QueueInvalidator,
  world: ScalableWorld,
  holders: readonly Holder[],
  { stage, first, bytes, wasAbsent }: Change & { scope: 'pages' },
  grain: 'exact' | 'domain',
): void {
  const { caps } = world.spec;
  if (wasAbsent && (stage.kind === 'first' || !caps.cm)) return;
  const isAligned = (first & (bytes - 1n)) === 0n;
  const mask = bytes.toString(2).length - 13;
  for (const { pasid, space } of holders) {
    const { space: spec, domainId } = spaceOf(world, space);
    const uses = stagesOf(world, spec)[stage.kind] === stage;
    if (!uses) continue;
    if (stage.kind === 'first') {
      if (grain === 'exact' && isAligned) queue.pasidIotlbPages(domainId, pasid, first, mask);
      else queue.pasidIotlb(domainId, pasid);
    } else if (grain === 'exact' && isAligned && caps.psi && mask <= caps.mamv) queue.iotlbPages(domainId, first, mask);
    else queue.iotlbDomain(domainId);
  }
}

/** Entries that were not valid are kept with domain-id 0, and only with caching mode; software names the new domain then (§6.2.3). */
function invalidateSpace(
  queue: QueueInvalidator,
  world: ScalableWorld,
  { pasid, before, after }: Change & { scope: 'space' },
): void {
  const named = before ?? (world.spec.caps.cm ? after : undefined);
  if (named === undefined) return;
  const { space, domainId } = spaceOf(world, named);
  queue.pasidCache(domainId, pasid);
  if (before !== undefined && (space.type === 2 || space.type === 3)) queue.iotlbDomain(domainId);
  else queue.pasidIotlb(domainId, pasid);
}

function invalidateHolders(
  queue: QueueInvalidator,
  world: ScalableWorld,
  { scope, sourceId, holders, wasPresent }: Change & { scope: 'context' | 'directory' },
  grain: 'exact' | 'domain',
  functionMask: number,
): void {
  if (!wasPresent && !world.spec.caps.cm) return;
  if (scope === 'context') {
    if (grain === 'exact') queue.contextDevice(sourceId, functionMask);
    else queue.contextGlobal();
  } else if (!wasPresent) queue.pasidCacheGlobal();
  const domains = new Set(holders.map(({ space }) => spaceOf(world, space).domainId));
  if (scope === 'directory') {
    for (const { pasid, space } of holders) queue.pasidCache(spaceOf(world, space).domainId, pasid);
  } else for (const id of domains) queue.pasidCacheDomain(id);
  for (const id of domains) queue.iotlbDomain(id);
}
