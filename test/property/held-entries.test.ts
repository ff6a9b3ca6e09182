import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GuestMemory, IntelIommu } from '../../src/index.js';
import { checkProperty } from '../support/check-property.js';
import { invalidationStyle, styleFor } from '../support/invalidation-styles.js';
import { Invalidator } from '../support/invalidator.js';
import { WorldMachine } from '../support/machine.js';
import { ask, expectedAnswer, type Probe, unitAnswer } from '../support/probe.js';
import { TableBuilder } from '../support/table-builder.js';
import { buildWorld, type PagesSpec, scenarioOptions, type WorldSpec, worldSpec } from '../support/world.js';
import { iovaAt, pageBytes } from '../support/world-places.js';

/** The world with a page that is certainly mapped, the only one of its tree, for a device whose requests go through it. */
function withPage(spec: WorldSpec, page: PagesSpec, caching: boolean): WorldSpec {
  const { tree } = spec.domains[0];
  const trees = spec.trees.map((each, index) =>
    index === tree % spec.trees.length ? { ...each, pages: [page] } : each,
  );
  const [first, ...others] = spec.devices;
  const sagaw = spec.caps.sagaw === 0 ? 0b0100 : spec.caps.sagaw;
  return {
    ...spec,
    trees,
    caps: { ...spec.caps, cm: caching, sagaw, sslps: 3 },
    devices: [{ ...first, domain: 0, type: 0, present: true }, ...others],
  };
}

const cases = fc.record({
  world: worldSpec({ corrupted: false }),
  level: fc.constantFrom(1, 1, 2, 3),
  page: fc.nat(7),
  caching: fc.boolean(),
  style: invalidationStyle,
  /** Invalidations that do not concern the page. */
  others: fc.array(
    fc.record({
      kind: fc.constantFrom('all contexts', 'context', 'other domain', 'other page', 'page of other domain'),
      mask: fc.nat(3),
    }),
    { maxLength: 4 },
  ),
  right: fc.constantFrom('page', 'domain', 'global'),
});

describe('a unit that holds everything keeps a translation until it is invalidated (§6.1, §6.2.4)', () => {
  test('and drops it by its page, its domain or everything, not by what concerns others', () => {
    checkProperty(cases, 80, ({ world: base, level, page, caching, style, others, right }, attempt) => {
      const place = { near: 'low', page: 2 * page } as const;
      const target = { near: level === 1 ? 'data' : 'high', page: 0 } as const;
      const pages = { iova: place, target, level, count: 1, contiguous: true, rights: 3, tableRights: 3, extra: 0n };
      const spec = withPage(base, pages, caching);
      const world = buildWorld(spec);
      const { driver } = world;
      const [{ sourceId: dev }] = world.devices;
      const [{ id, tree }] = world.domains;
      const invalidator = new Invalidator(driver, styleFor(spec, style));
      driver.setRoot(driver.tables.root);
      invalidator.enable();
      driver.translate(true);
      const options = { ...scenarioOptions(world, 'hold'), pending: style.pending };
      const machine = new WorldMachine('a held translation', options, attempt);
      machine.run(driver.take());

      const iova = iovaAt(place, level, 39);
      const probe: Probe = { dev, iova: iova + 5n, access: 'read' };
      const answer = () => unitAnswer(machine, probe, ask(machine, probe));
      const mapped = answer();
      expect(mapped).toBe(expectedAnswer(machine, probe, ask(machine, probe)));
      expect(mapped).toMatch(/^translated/);
      const entry = driver.entryFor(world.trees[tree], iova, level, undefined);
      driver.tables.setWord(entry, 0n);
      machine.run(driver.take());
      const gone = expectedAnswer(machine, probe, ask(machine, probe));
      expect(gone).toMatch(/^refused/);
      expect(answer(), 'nothing was invalidated').toBe(mapped);

      const { psi, mamv } = spec.caps;
      const neighbour = iova + pageBytes(level);
      for (const { kind, mask } of others) {
        if (kind === 'all contexts') invalidator.contextGlobal();
        else if (kind === 'context') invalidator.contextDevice(id, dev);
        else if (kind === 'other domain') invalidator.iotlbDomain(id + 1);
        else if (!psi) continue;
        else if (kind === 'other page') invalidator.iotlbPages(id, neighbour, 0);
        else invalidator.iotlbPages(id + 1, iova & ~((4096n << BigInt(mask)) - 1n), Math.min(mask, mamv));
        invalidator.finish();
        machine.run(driver.take());
        expect(answer(), `only ${kind} was invalidated`).toBe(mapped);
      }

      if (right === 'global') invalidator.iotlbGlobal();
      else if (right === 'domain' || !psi) invalidator.iotlbDomain(id);
      else invalidator.iotlbPages(id, iova + (level > 1 ? 0x1_2000n : 0n), 0);
      invalidator.finish();
      machine.run(driver.take());
      expect(answer(), `${right} was invalidated`).toBe(gone);

      // the other way round: what was not there is kept only with caching mode (§6.1)
      driver.tables.setWord(entry, machine.ram.read64(BigInt(entry)) === 0n ? BigInt(entryOf(mapped)) : 0n);
      machine.run(driver.take());
      expect(answer(), 'not present, then mapped').toBe(caching ? gone : mapped);
      invalidator.iotlbDomain(id);
      invalidator.finish();
      machine.run(driver.take());
      expect(answer()).toBe(mapped);

      function entryOf(text: string): bigint {
        const address = BigInt(text.split(', ')[1]) - 5n;
        return address | 3n | (level > 1 ? 0x80n : 0n);
      }
    });
  });

  test('however many there are', () => {
    const memory = GuestMemory.ram(0x100_0000);
    const unit = new IntelIommu({ memory, preset: 'everything', caches: 'hold' });
    const builder = new TableBuilder(memory, 0x100);
    const top = builder.page();
    const sources = [0x10, 0x98];
    for (const sourceId of sources) builder.context(sourceId, { table: top, levels: 4, domainId: 3 });
    const count = 12_000;
    for (let page = 0; page < count; page++) builder.map(top, 4, page * 4096, page * 8192);
    unit.write64(0x20, BigInt(builder.root) << 12n);
    unit.write32(0x18, 0x4000_0000);
    unit.write32(0x18, 0x8000_0000);
    const askAll = () => {
      const wrong: string[] = [];
      for (const sourceId of sources) {
        const region = unit.region(sourceId);
        for (let page = 0; page < count; page++) {
          const address = region.translateAddress(page * 4096);
          if (address !== page * 8192) wrong.push(`${page}: ${address}`);
        }
      }
      return wrong;
    };
    expect(askAll()).toEqual([]);
    memory.write(top * 4096, new Uint8Array(4096));
    expect(askAll(), 'the tables are gone, the IOTLB is not').toEqual([]);
    unit.write64(0xf8, (1n << 63n) | (2n << 60n) | (3n << 32n));
    expect(askAll().length, 'the domain was invalidated').toBe(2 * count);
  });
});
