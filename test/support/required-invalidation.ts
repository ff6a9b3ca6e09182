import type { Invalidator } from './invalidator.js';
import type { World } from './world.js';
import type { EditStep } from './world-edits.js';

/** What an edit changed: by this it is decided what has to be invalidated, and where to look. */
export type Change =
  | { readonly scope: 'nothing' }
  /** Pages of a tree. `wasAbsent`: nothing there granted anything, so that only a unit with caching mode may have kept it. */
  | {
      readonly scope: 'pages';
      readonly tree: number;
      readonly first: bigint;
      readonly bytes: bigint;
      readonly wasAbsent: boolean;
    }
  /** The context entry of a device. The domain-ids that it had and has; `undefined` where requests could not go by it. */
  | {
      readonly scope: 'context';
      readonly sourceId: number;
      readonly before: number | undefined;
      readonly after: number | undefined;
    }
  | { readonly scope: 'everything' };

/** Invalidates what a change requires (§6.5.3.3), or more, and waits until it is done. */
export function invalidateChange(
  invalidator: Invalidator,
  world: World,
  change: Change,
  how: Pick<EditStep, 'grain'> & Partial<EditStep>,
): void {
  const { grain } = how;
  if (change.scope === 'nothing') return;
  if (change.scope === 'everything' || grain === 'global') {
    invalidator.contextGlobal();
    invalidator.iotlbGlobal();
  } else if (change.scope === 'pages') invalidatePages(invalidator, world, change, grain);
  else invalidateContext(invalidator, world, change, how);
  invalidator.finish();
}

function invalidatePages(
  invalidator: Invalidator,
  { spec: { caps }, domains }: World,
  { tree, first, bytes, wasAbsent }: Change & { scope: 'pages' },
  grain: 'exact' | 'domain',
): void {
  // what grants nothing is not kept without caching mode (§6.1)
  if (wasAbsent && !caps.cm) return;
  for (const { id } of domains.filter((each) => each.tree === tree)) {
    const blocks = grain === 'exact' && caps.psi ? aligned(first, bytes) : [];
    if (blocks.length > 0 && blocks.every(({ mask }) => mask <= caps.mamv)) {
      for (const { address, mask } of blocks) invalidator.iotlbPages(id, address, mask);
    } else invalidator.iotlbDomain(id);
  }
}

/** Entries that were not valid are kept with domain-id 0, and only with caching mode (§6.2.2). */
function invalidateContext(
  invalidator: Invalidator,
  { spec: { caps } }: World,
  { sourceId, before, after }: Change & { scope: 'context' },
  { grain, functionMask = 0, newDomain = false }: Partial<EditStep>,
): void {
  const tag = before ?? (caps.cm ? 0 : undefined);
  if (tag !== undefined && grain === 'exact') invalidator.contextDevice(tag, sourceId, functionMask);
  else if (tag !== undefined) invalidator.contextDomain(tag);
  const ids = [before, newDomain ? after : undefined].filter((id) => id !== undefined);
  for (const id of new Set(ids)) invalidator.iotlbDomain(id);
}

/** The fewest blocks of 2^mask pages, aligned to their size, that make up a range. */
function aligned(first: bigint, bytes: bigint): { address: bigint; mask: number }[] {
  const blocks: { address: bigint; mask: number }[] = [];
  for (let address = first; address < first + bytes; ) {
    let mask = 0;
    while (address % (8192n << BigInt(mask)) === 0n && address + (8192n << BigInt(mask)) <= first + bytes) mask++;
    blocks.push({ address, mask });
    address += 4096n << BigInt(mask);
  }
  return blocks;
}
