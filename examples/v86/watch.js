// What a unit is doing, as rows of text: from its events, its counters, its tables.
import { rightsText } from 'intel-iommu';
import { isRemapping } from './machine.js';
import { bdf, count, hex, size } from './text.js';

/** Of faults and of descriptors no more are kept. */
const KEPT = 16;

/** Rates are those of this time. */
const WINDOW_MS = 2000;

/** Address widths and levels by a context entry's AW (§9.3). */
const WIDTHS = ['', '39 bits, 3 levels', '48 bits, 4 levels', '57 bits, 5 levels'];

/**
 * @typedef {object} WatchedFault
 * @property {string} text - one line
 * @property {() => string} explanation - step by step, as the tables were when it was asked for first
 */

export class UnitWatch {
  /** @type {WatchedFault[]} the latest first */
  faults = [];
  /** @type {string[][]} the latest first: number, type, what it drops or writes */
  descriptors = [];

  #machine;
  #executed = 0;
  #samples = [{ time: 0, translations: 0 }];

  /** @param {import('./machine.js').Machine} machine */
  constructor(machine) {
    this.#machine = machine;
    const { unit } = machine;
    unit.on('fault', (fault) => {
      this.faults = [watchedFault(unit, fault), ...this.faults.slice(0, KEPT - 1)];
    });
    unit.on('descriptor', (name, words) => {
      this.descriptors = [[count(++this.#executed), name, descriptorText(name, words)], ...this.descriptors];
      this.descriptors.length = Math.min(this.descriptors.length, KEPT);
    });
  }

  /**
   * The counters, by their names.
   *
   * @param {number} now - milliseconds, for the rate
   */
  counters(now) {
    const { translations, hits, faults, iotlbEntries, descriptors } = this.#machine.unit.statistics;
    this.#samples.push({ time: now, translations });
    while (this.#samples.length > 2 && /** @type {number} */ (this.#samples[1]?.time) < now - WINDOW_MS) {
      this.#samples.shift();
    }
    const [oldest = { time: now, translations }] = this.#samples;
    const seconds = Math.max(now - oldest.time, 1) / 1000;
    return {
      translations: count(translations),
      'translations/s': count((translations - oldest.translations) / seconds),
      'hit rate': translations === 0 ? '-' : `${((100 * hits) / translations).toFixed(1)}%`,
      'IOTLB entries': count(iotlbEntries),
      faults: count(faults),
      invalidations: count(Object.values(descriptors).reduce((sum, each) => sum + each, 0)),
    };
  }

  /**
   * Each device: place, name, domain, how its requests are translated, and what it can reach, by replay.
   *
   * @param {number} most - runs that are listed of a device
   */
  devices(most) {
    const remapping = isRemapping(this.#machine);
    return this.#machine.devices.map(({ name, sourceId, region }) => {
      /** @type {string[][]} */
      const runs = [];
      const summary = region.replay((iova, length, address, rights) => {
        if (runs.length === most) return;
        runs.push([`${hex(iova)} - ${hex(iova + length - 1)}`, rightsText(rights), size(length), hex(address)]);
      });
      const { domain, translation } = remapping ? this.#context(sourceId) : { domain: '', translation: 'not remapped' };
      const more = summary.runs - runs.length;
      return { place: bdf(sourceId), name, domain, translation, runs, more, mapped: size(summary.bytes) };
    });
  }

  /**
   * What a device's context entry says.
   *
   * @param {number} sourceId
   */
  #context(sourceId) {
    const { steps } = this.#machine.unit.explain({ sourceId, iova: 0 });
    for (const step of steps) {
      if (step.kind !== 'entry' || step.structure !== 'context entry' || !step.passed) continue;
      const field = (/** @type {string} */ name) => Number(step.fields.find((each) => each.name === name)?.value ?? 0);
      const translation = field('TT') === 2 ? 'passed through' : (WIDTHS[field('AW')] ?? '');
      return { domain: String(field('DID')), translation };
    }
    return { domain: '', translation: 'blocked: no context entry' };
  }
}

/**
 * @param {import('intel-iommu').IntelIommu} unit
 * @param {import('intel-iommu').FaultEvent} fault
 * @returns {WatchedFault}
 */
function watchedFault(unit, { sourceId, address, access, condition, about }) {
  /** @type {string | undefined} */
  let explained;
  return {
    text: `${bdf(sourceId)} ${access} ${hex(address)}: ${condition}, ${about}`,
    explanation: () => (explained ??= unit.explain({ sourceId, iova: address, access }).text),
  };
}

/**
 * What a descriptor is about (§6.5.2).
 *
 * @param {string} name
 * @param {Int32Array} words - its 32-bit words
 */
function descriptorText(name, [flags = 0, second = 0, third = 0, fourth = 0]) {
  const granularity = (flags >> 4) & 3;
  const domain = `domain ${flags >>> 16}`;
  const address = (BigInt(fourth >>> 0) << 32n) | BigInt((third & ~0xfff) >>> 0);
  if (name === 'wait') return (flags & 0x20) === 0 ? '' : `writes ${hex(second >>> 0)} to ${hex(third >>> 0)}`;
  if (name !== 'IOTLB' && name !== 'context-cache') return '';
  if (granularity === 1) return 'all';
  if (granularity === 2) return domain;
  if (name === 'context-cache') return `${domain}, ${bdf(second & 0xffff)}`;
  return `${domain}, ${hex(address)}, ${count(2 ** (third & 0x3f))} pages`;
}
