import type { ContextCache } from '../caches/context-cache.js';
import type { PasidCache } from '../caches/pasid-cache.js';
import type { IommuMemoryRegion } from '../notifier/region.js';
import type { StatePart } from '../state/state-part.js';
import type { StateReader } from '../state/state-reader.js';
import type { StateWriter } from '../state/state-writer.js';
import { CONDITIONS, OK } from '../walk/conditions.js';
import type { Context, PasidEntry, PasidOrigin } from '../walk/requester.js';
import { stopped } from '../walk/requester.js';
import type { Translator } from '../walk/translator.js';

/** 32-bit words of the largest entries: context entries of scalable mode, and PASID entries. */
const CONTEXT_WORDS = 8;
const PASID_WORDS = 16;

/** The key of a requester among the regions of a unit. */
export function regionKey(sourceId: number, pasid: number | undefined): number {
  return sourceId * 2 ** 21 + (pasid === undefined ? 0 : pasid + 1);
}

/** The cached context entries: each as its words, or the condition by which the way to it ended. */
export function contextState(contexts: ContextCache, translator: Translator): StatePart {
  return {
    save(to) {
      to.word(contexts.size);
      for (const [sourceId, context] of contexts.entries()) {
        to.word(sourceId);
        saveContext(to, context);
      }
    },
    load(from) {
      const count = from.whole('number of context entries', 0, 0x1_0000);
      const saved = Array.from({ length: count }, () => {
        const sourceId = from.whole('source-id', 0, 0xffff);
        return [sourceId, loadContext(from, translator)] as const;
      });
      return () => {
        contexts.dropAll();
        for (const [sourceId, context] of saved) contexts.insert(sourceId, context);
      };
    },
  };
}

function saveContext(to: StateWriter, { condition, words }: Context): void {
  to.word(words.length);
  if (words.length === 0) to.word(condition);
  else for (const word of words) to.word(word);
}

function loadContext(from: StateReader, translator: Translator): Context {
  const length = from.whole('words of a context entry', 0, CONTEXT_WORDS);
  if (length === 0) return stopped(from.whole('condition', OK + 1, CONDITIONS.length - 1), false);
  if (length !== CONTEXT_WORDS / 2 && length !== CONTEXT_WORDS)
    throw from.refusal(`${length} words of a context entry`);
  return translator.contextOf([...from.words(length)]);
}

/**
 * The requesters in the order of their tags, which decide where in the IOTLB their entries stand, with their cached PASID
 * entries. A unit that takes over the state may have further regions: they come after these.
 *
 * @param regions - in the order of their tags
 * @param region - finds or makes one
 */
export function requesterState(
  regions: Map<number, IommuMemoryRegion>,
  region: (sourceId: number, pasid?: number) => IommuMemoryRegion,
  translator: Translator,
  pasids: PasidCache,
): StatePart {
  return {
    save(to) {
      to.word(regions.size);
      for (const { sourceId, pasid, pasidEntry, cachedPasid } of regions.values()) {
        to.word(sourceId);
        to.word(pasid === undefined ? 0 : pasid + 1);
        to.word(pasidEntry?.origin !== undefined);
        if (pasidEntry?.origin === undefined) continue;
        to.word(cachedPasid);
        saveOrigin(to, pasidEntry.origin);
      }
    },
    load(from) {
      const saved = Array.from({ length: from.whole('number of requesters', 0, Math.floor(from.left / 12)) }, () => {
        const sourceId = from.whole('source-id', 0, 0xffff);
        const pasid = from.whole('PASID and 1, or 0', 0, 0x10_0000);
        const isCached = from.flag('whether a PASID entry is cached');
        const cached = isCached ? loadEntry(from, translator) : undefined;
        return { sourceId, pasid: pasid === 0 ? undefined : pasid - 1, cached };
      });
      const keys = new Set(saved.map(({ sourceId, pasid }) => regionKey(sourceId, pasid)));
      if (keys.size < saved.length) throw from.refusal('a requester stands there twice');
      return () => {
        pasids.dropAll();
        const all = new Set([...saved.map(({ sourceId, pasid }) => region(sourceId, pasid)), ...regions.values()]);
        regions.clear();
        for (const each of all) {
          regions.set(regionKey(each.sourceId, each.pasid), each);
          each.retag(regions.size);
        }
        for (const { sourceId, pasid, cached } of saved) {
          if (cached !== undefined) pasids.insert(region(sourceId, pasid), cached.pasid, cached.entry);
        }
      };
    },
  };
}

function saveOrigin(to: StateWriter, { words, directoryDisabled, ioRights }: PasidOrigin): void {
  to.word(directoryDisabled);
  to.word(ioRights);
  for (const word of words) to.word(word);
}

function loadEntry(from: StateReader, translator: Translator): { pasid: number; entry: PasidEntry } {
  const pasid = from.whole('PASID of a cached entry', 0, 0xf_ffff);
  const directoryDisabled = from.flag('FPD of a PASID directory entry');
  const ioRights = from.flag('whether a second stage goes by IR and IW');
  const words = [...from.words(PASID_WORDS)];
  const entry = translator.pasidEntryOf({ words, directoryDisabled, ioRights });
  if (entry.condition !== OK) throw from.refusal('a PASID entry that is not a good one');
  return { pasid, entry };
}
