import type { ContextCache } from '../caches/context-cache.js';
import type { Iotlb } from '../caches/iotlb.js';
import type { IommuMemoryRegion } from '../notifier/region.js';
import type { StatePart } from '../state/state-part.js';
import type { StateReader } from '../state/state-reader.js';
import type { StateWriter } from '../state/state-writer.js';
import { CONDITIONS, OK } from '../walk/conditions.js';
import type { Requester, RequesterTables } from '../walk/requester.js';

/** The key of a requester among the regions of a unit. */
export function regionKey(sourceId: number, pasid: number | undefined): number {
  return sourceId * 2 ** 21 + (pasid === undefined ? 0 : pasid + 1);
}

/**
 * The requesters in the order of their tags, which decide where in the IOTLB their entries stand, with their cached
 * context entries. A unit that takes over the state may have further regions: they come after these.
 *
 * @param regions - in the order of their tags
 * @param region - finds or makes one
 */
export function requesterState(
  regions: Map<number, IommuMemoryRegion>,
  region: (sourceId: number, pasid?: number) => IommuMemoryRegion,
  tables: RequesterTables,
  contexts: ContextCache,
  iotlb: Iotlb,
): StatePart {
  return {
    save(to) {
      to.word(regions.size);
      for (const { sourceId, pasid, requester } of regions.values()) {
        to.word(sourceId);
        to.word(pasid === undefined ? 0 : pasid + 1);
        to.word(requester !== undefined);
        if (requester !== undefined) saveRequester(to, requester);
      }
    },
    load(from) {
      const saved = Array.from({ length: from.whole('number of requesters', 0, Math.floor(from.left / 12)) }, () => {
        const sourceId = from.whole('source-id', 0, 0xffff);
        const pasid = from.whole('PASID and 1, or 0', 0, 0x10_0000);
        const isCached = from.whole('whether a context entry is cached', 0, pasid === 0 ? 1 : 0) === 1;
        const requester = isCached ? loadRequester(from, tables) : undefined;
        return { sourceId, pasid: pasid === 0 ? undefined : pasid - 1, requester };
      });
      const keys = new Set(saved.map(({ sourceId, pasid }) => regionKey(sourceId, pasid)));
      if (keys.size < saved.length) throw from.refusal('a requester stands there twice');
      return () => {
        contexts.dropAll();
        const all = new Set([...saved.map(({ sourceId, pasid }) => region(sourceId, pasid)), ...regions.values()]);
        regions.clear();
        for (const each of all) {
          regions.set(regionKey(each.sourceId, each.pasid), each);
          each.retag(regions.size);
        }
        for (const { sourceId, pasid, requester } of saved) {
          if (requester === undefined) continue;
          const holder = region(sourceId, pasid);
          holder.domain = iotlb.domain(requester.domainId);
          contexts.insert(holder, requester);
        }
      };
    },
  };
}

function saveRequester(to: StateWriter, { condition, faultsDisabled, domainId, deviceTlb, stage }: Requester): void {
  to.word(condition);
  to.word(faultsDisabled);
  to.word(domainId);
  to.word(deviceTlb);
  to.word(stage?.levels ?? 0);
  to.wide(stage?.table ?? 0);
}

function loadRequester(from: StateReader, tables: RequesterTables): Requester {
  const condition = from.whole('condition', 0, CONDITIONS.length - 1);
  const faultsDisabled = from.flag('whether faults are disabled');
  const domainId = from.whole('domain-id', 0, 0xffff);
  const deviceTlb = from.flag('whether there is a device-TLB');
  const levels = from.whole('levels of the tables', 0, 5);
  const table = from.wide('page of the top table', 0, 2 ** 40 - 1);
  if (levels !== 0 && (levels < 3 || condition !== OK)) throw from.refusal(`${levels} levels of tables`);
  const stage = levels === 0 ? undefined : tables.stage(table, levels);
  return { condition, faultsDisabled, domainId, deviceTlb, stage };
}
