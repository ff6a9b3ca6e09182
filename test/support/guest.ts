import { findContext } from '../reference/translate.js';
import { addressBits } from './driver.js';
import { type InvalidationStyle, Invalidator } from './invalidator.js';
import { type Change, invalidateChange } from './required-invalidation.js';
import type { Step } from './scenario.js';
import { contextOf, mapPages, type World } from './world.js';
import { capabilityFields, referenceUnit } from './world-capabilities.js';
import type { Edit, EditStep, EntryChange } from './world-edits.js';
import { iovaAt, pageBytes, targetAt } from './world-places.js';
import { protect, stopProtecting } from './world-switches.js';

/** Bits that can be flipped in an entry that points to a table, without having it point elsewhere. */
const HARMLESS = [0, 1, 2, 8, 9, 10, 11, 61, 62, 63];

/** A driver at work on a world: it makes changes, and tells the unit of them as it must. */
export class Guest {
  readonly world: World;
  readonly #invalidator: Invalidator;
  readonly #mapped: { tree: number; iova: bigint; level: number }[] = [];
  /** Entries that were taken out, to be put back. */
  readonly #taken = new Map<number, bigint>();
  /** Tables that lead elsewhere than a driver's do: no range can be told that a change concerns. */
  readonly #wild: boolean;
  #root: number;
  #translating = false;
  #protecting = false;
  #remapping = false;

  constructor(world: World, style: InvalidationStyle) {
    this.world = world;
    this.#invalidator = new Invalidator(world.driver, style);
    this.#root = world.driver.tables.root;
    this.#wild = world.spec.corruptions.length > 0;
    world.spec.trees.forEach(({ pages }, tree) => {
      for (const each of pages) this.#remember(tree, each);
    });
    this.#bringUp();
  }

  /** The commands since the last call. */
  take(): Step[] {
    return this.world.driver.take();
  }

  #bringUp(): void {
    this.world.driver.setRoot(this.#root);
    this.#invalidator.enable();
    this.world.driver.translate(true);
    this.#translating = true;
  }

  #remember(tree: number, pages: (Edit & { kind: 'map' })['pages']): void {
    const bits = addressBits(this.world.spec.caps, this.world.trees[tree].levels);
    this.#mapped.push({ tree, iova: iovaAt(pages.iova, pages.level, bits), level: pages.level });
  }

  /** Makes a change, and answers what it was; {@link invalidate} tells the unit. */
  apply(edit: Edit): Change {
    switch (edit.kind) {
      case 'map':
        return this.#map(edit);
      case 'entry':
        return this.#entry(edit);
      case 'attach':
      case 'detach':
        return this.#context(edit);
      case 'root':
        return this.#rootEntry(edit.device);
      case 'other root table':
        return this.#otherRoot();
      case 'translation':
        return this.#toggleTranslation();
      case 'interrupt remapping':
        this.#remapping = this.world.spec.caps.ir && !this.#remapping;
        this.world.driver.remapInterrupts(this.#remapping);
        return { scope: 'nothing' };
      case 'protect':
        return this.#toggleProtection(edit);
      default:
        this.world.driver.command({ op: 'reset', warm: edit.warm });
        this.world.driver.forget();
        this.#protecting = false;
        this.#remapping = false;
        this.#bringUp();
        return { scope: 'nothing' };
    }
  }

  #map({ tree: which, pages }: Edit & { kind: 'map' }): Change {
    const tree = which % this.world.trees.length;
    this.#remember(tree, pages);
    const bits = addressBits(this.world.spec.caps, this.world.trees[tree].levels);
    const first = iovaAt(pages.iova, pages.level, bits);
    const size = pageBytes(pages.level);
    let wasAbsent = true;
    for (let index = 0n; index < BigInt(pages.count); index++) {
      const iova = first + index * size;
      const entry = this.world.driver.entryFor(this.world.trees[tree], iova, pages.level, undefined);
      if (entry !== 0 && (this.world.driver.tables.word(entry) & 3n) !== 0n) wasAbsent = false;
    }
    mapPages(this.world, tree, pages);
    return { scope: 'pages', tree, first, bytes: size * BigInt(pages.count), wasAbsent };
  }

  #entry({ pick, up, change }: Edit & { kind: 'entry' }): Change {
    const page = this.#mapped[pick % Math.max(this.#mapped.length, 1)];
    if (page === undefined) return { scope: 'nothing' };
    const tree = this.world.trees[page.tree];
    const level = Math.min(page.level + up, tree.levels);
    const at = this.world.driver.entryFor(tree, page.iova, level, undefined);
    if (at === 0) return { scope: 'nothing' };
    const { tables } = this.world.driver;
    const word = tables.word(at);
    tables.setWord(at, this.#changed(at, word, level, change));
    const bytes = pageBytes(level);
    return { scope: 'pages', tree: page.tree, first: page.iova & ~(bytes - 1n), bytes, wasAbsent: (word & 3n) === 0n };
  }

  #changed(at: number, word: bigint, level: number, change: EntryChange): bigint {
    const isPage = level === 1 || (level <= 3 && (word & 0x80n) !== 0n);
    switch (change.kind) {
      case 'clear': {
        const taken = this.#taken.get(at);
        this.#taken.delete(at);
        if (taken !== undefined && word === 0n) return taken;
        this.#taken.set(at, word);
        return 0n;
      }
      case 'rights':
        return (word & ~3n) | BigInt(change.rights);
      case 'target': {
        if (!isPage) return word;
        const rest = word & 0xfff0_0000_0000_0fffn;
        return rest | targetAt(change.target, level, this.world.geography);
      }
      default:
        return word ^ (1n << BigInt(level === 1 ? change.bit : HARMLESS[change.bit % HARMLESS.length]));
    }
  }

  #context(edit: Edit & { kind: 'attach' | 'detach' }): Change {
    const { tables } = this.world.driver;
    const { sourceId } = this.world.devices[edit.device % this.world.devices.length];
    const root = tables.word(this.#rootEntryOf(sourceId));
    if ((root & 1n) === 0n) return { scope: 'nothing' };
    const address = Number(root & 0xf_ffff_ffff_f000n) + (sourceId & 0xff) * 16;
    const before = this.#validDomain(sourceId, address);
    if (edit.kind === 'attach') tables.setContext(address, contextOf(this.world, edit));
    else tables.setWord(address, tables.word(address) & ~1n);
    return { scope: 'context', sourceId, before, after: this.#validDomain(sourceId, address) };
  }

  #rootEntryOf(sourceId: number): number {
    return this.#root * 4096 + (sourceId >> 8) * 16;
  }

  /** The domain-id of a requester's context entry, if requests can go by it. */
  #validDomain(sourceId: number, contextEntry: number): number | undefined {
    const { spec, driver } = this.world;
    const unit = { ...referenceUnit(capabilityFields(spec.caps), spec.caps.haw), root: BigInt(this.#root) << 12n };
    const context = findContext(unit, (address) => driver.tables.word(Number(address)), sourceId);
    return 'kind' in context ? undefined : Number((driver.tables.word(contextEntry + 8) >> 8n) & 0xffffn);
  }

  #rootEntry(device: number): Change {
    const { tables } = this.world.driver;
    const at = this.#rootEntryOf(this.world.devices[device % this.world.devices.length].sourceId);
    tables.setWord(at, tables.word(at) ^ 1n);
    return { scope: 'everything' };
  }

  /** Latches a copy of the root table, which has lost the entry of the last device's bus, or got it back. */
  #otherRoot(): Change {
    const { driver, devices, spec } = this.world;
    if (!driver.hasRoom) return { scope: 'nothing' };
    const copy = driver.tables.page();
    for (let at = 0; at < 4096; at += 8)
      driver.tables.setWord(copy * 4096 + at, driver.tables.word(this.#root * 4096 + at));
    this.#root = copy;
    this.#rootEntry(devices.length - 1);
    driver.setRoot(copy);
    return { scope: spec.caps.esrtps ? 'nothing' : 'everything' };
  }

  #toggleTranslation(): Change {
    const { driver, spec } = this.world;
    this.#translating = !this.#translating;
    if (!this.#translating) {
      driver.translate(false);
      return { scope: 'nothing' };
    }
    driver.setRoot(this.#root);
    if (!spec.caps.esrtps) this.#everything();
    driver.translate(true);
    return { scope: 'nothing' };
  }

  #toggleProtection({ low, high }: Edit & { kind: 'protect' }): Change {
    const { driver, spec } = this.world;
    if (this.#protecting) stopProtecting(driver);
    else protect(driver, spec.caps, low, high);
    this.#protecting = !this.#protecting && (low !== undefined || high !== undefined);
    return { scope: 'nothing' };
  }

  /** Invalidates what a change requires, and waits until it is done. */
  invalidate(change: Change, how: Omit<EditStep, 'edit'>): void {
    const needed = this.#wild && change.scope !== 'nothing' ? ({ scope: 'everything' } as const) : change;
    invalidateChange(this.#invalidator, this.world, needed, how);
  }

  #everything(): void {
    invalidateChange(this.#invalidator, this.world, { scope: 'everything' }, { grain: 'global' });
  }
}
