import type { Step } from '../scenario.js';
import { pageBytes } from '../world-places.js';
import { protect, stopProtecting } from '../world-switches.js';
import type { Edit, EditStep, EntryChange } from './edits.js';
import { QueueInvalidator, type QueueStyle } from './invalidator.js';
import { type Change, type Holder, invalidateChange } from './required-invalidation.js';
import type { StagePages } from './spec.js';
import { changedEntry, mapStage, type Stage, stageEntry, stageIova } from './stages.js';
import { contextWords, type ScalableDevice, type ScalableWorld, spaceWords } from './world.js';

/** A driver at work on a world in scalable mode: it makes changes, and tells the unit of them as it must. */
export class ScalableGuest {
  readonly world: ScalableWorld;
  readonly #queue: QueueInvalidator;
  readonly #stages: readonly Stage[];
  readonly #mapped: { stage: Stage; iova: bigint; level: number }[] = [];
  /** Words that were taken out, to be put back. */
  readonly #taken = new Map<number, bigint>();
  /** What the PASID-table entries say, by address. */
  readonly #holders = new Map<number, Holder>();
  /** Damaged tables lead elsewhere than a driver's do: no range can be told that a change concerns. */
  readonly #wild: boolean;
  #translating = true;
  #aborting = false;
  #protecting = false;

  constructor(world: ScalableWorld, style: QueueStyle) {
    this.world = world;
    this.#queue = new QueueInvalidator(world.driver, style);
    this.#stages = [...world.firstStages, ...world.secondStages];
    this.#wild = world.spec.damages.length > 0;
    for (const stage of this.#stages) for (const pages of stage.spec.pages) this.#remember(stage, pages);
    for (const { spec, directory } of world.devices) {
      for (const { pasid, space } of [{ pasid: spec.ridPasid, space: spec.ridSpace }, ...spec.spaces]) {
        if (pasid < 1 << 15) this.#holders.set(world.builder.pasidEntry(directory, pasid), { directory, pasid, space });
      }
    }
    this.#bringUp();
  }

  /** The commands since the last call. */
  take(): Step[] {
    return this.world.driver.take();
  }

  /** Makes a change, and answers what it was; {@link invalidate} tells the unit. */
  apply(edit: Edit): Change {
    switch (edit.kind) {
      case 'map':
        return this.#map(edit);
      case 'entry':
        return this.#entry(edit);
      case 'space':
        return this.#space(edit);
      case 'context':
        return this.#context(this.#device(edit.device));
      case 'directory':
        return this.#directory(edit);
      case 'root':
        return this.#root(this.#device(edit.device));
      case 'other root table':
        return this.#otherRoot();
      case 'translation':
        return this.#toggleTranslation();
      case 'abort':
        return this.#toggleAbort();
      case 'protect':
        return this.#toggleProtection(edit);
      default:
        this.world.driver.command({ op: 'reset', warm: edit.warm });
        this.world.driver.forget();
        this.#protecting = false;
        this.#bringUp();
        return { scope: 'nothing' };
    }
  }

  /** Invalidates what a change requires, and waits until it is done. */
  invalidate(change: Change, how: Omit<EditStep, 'edit'>): void {
    const needed = this.#wild && change.scope !== 'nothing' ? ({ scope: 'everything' } as const) : change;
    invalidateChange(this.#queue, this.world, [...this.#holders.values()], needed, how);
  }

  #bringUp(): void {
    this.#setRoot(1);
    this.#queue.enable();
    this.world.driver.translate(true);
    this.#translating = true;
    this.#aborting = false;
  }

  #setRoot(mode: number): void {
    const { driver, builder, spec } = this.world;
    driver.setRoot(builder.root, mode, spec.ioRights ? 0x80n : 0n);
  }

  #device(which: number): ScalableDevice {
    return this.world.devices[which % this.world.devices.length];
  }

  #remember(stage: Stage, pages: StagePages): void {
    this.#mapped.push({ stage, iova: stageIova(stage, pages), level: pages.level });
  }

  #map({ stage: which, pages }: Edit & { kind: 'map' }): Change {
    const stage = this.#stages[which % this.#stages.length];
    this.#remember(stage, pages);
    const size = pageBytes(pages.level);
    const first = stageIova(stage, pages);
    let wasAbsent = true;
    for (let index = 0n; index < BigInt(pages.count); index++) {
      const entry = stageEntry(this.world.driver, stage, first + index * size, pages.level, undefined);
      if (entry !== 0 && (this.world.driver.tables.word(entry) & 3n) !== 0n) wasAbsent = false;
    }
    mapStage(this.world.driver, this.world.geography, stage, pages);
    // a power of two, and aligned only by chance: then the whole PASID or domain is told
    const count = [1n, 1n, 2n, 4n, 4n][pages.count] ?? 4n;
    return { scope: 'pages', stage, first, bytes: size * count, wasAbsent };
  }

  #entry({ pick, up, change }: Edit & { kind: 'entry' }): Change {
    const page = this.#mapped[pick % Math.max(this.#mapped.length, 1)];
    if (page === undefined) return { scope: 'nothing' };
    const { stage, iova } = page;
    const { driver } = this.world;
    const level = Math.min(page.level + up, stage.levels);
    const at = stageEntry(driver, stage, iova, level, undefined);
    if (at === 0) return { scope: 'nothing' };
    const word = driver.tables.word(at);
    driver.tables.setWord(at, this.#changed(stage, at, word, level, change));
    const bytes = pageBytes(level);
    return { scope: 'pages', stage, first: iova & ~(bytes - 1n), bytes, wasAbsent: (word & 3n) === 0n };
  }

  #changed(stage: Stage, at: number, word: bigint, level: number, change: EntryChange): bigint {
    if (change.kind === 'clear') return this.#toggled(at, word);
    return changedEntry(stage, word, level, change);
  }

  /** Nothing for a word that is there, and what it was for one that was taken out. */
  #toggled(at: number, word: bigint): bigint {
    const taken = this.#taken.get(at);
    this.#taken.delete(at);
    if (taken !== undefined && word === 0n) return taken;
    this.#taken.set(at, word);
    return 0n;
  }

  #space({ device: which, pick, space }: Edit & { kind: 'space' }): Change {
    const { directory, pasids, ridPasid } = this.#device(which);
    const { builder, driver } = this.world;
    const all = [ridPasid, ...pasids].filter((pasid) => pasid < 1 << 15);
    const pasid = all[pick % all.length];
    // its table can only be found while the directory entry is there
    if ((driver.tables.word(builder.directoryEntry(directory, pasid)) & 1n) === 0n) return { scope: 'nothing' };
    const at = builder.pasidEntry(directory, pasid);
    const isPresent = (driver.tables.word(at) & 1n) === 1n;
    const before = isPresent ? this.#holders.get(at)?.space : undefined;
    if (space === undefined) {
      builder.setWords(at, [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n]);
      this.#holders.delete(at);
    } else {
      builder.setWords(at, spaceWords(this.world, space));
      this.#holders.set(at, { directory, pasid, space });
    }
    return { scope: 'space', directory, pasid, before, after: space };
  }

  #context(device: ScalableDevice): Change {
    const { driver, builder } = this.world;
    const { contextEntry: at, sourceId, directory } = device;
    const wasPresent = (driver.tables.word(at) & 1n) === 1n;
    builder.setWords(at, wasPresent ? [0n, 0n, 0n, 0n] : contextWords(this.world, device));
    return { scope: 'context', sourceId, holders: this.#holdersIn(directory), wasPresent };
  }

  #holdersIn(directory: number): Holder[] {
    return [...this.#holders.values()].filter((each) => each.directory === directory);
  }

  #directory({ device: which, pick }: Edit & { kind: 'directory' }): Change {
    const { directory, sourceId, pasids, ridPasid } = this.#device(which);
    const { builder, driver } = this.world;
    const all = [ridPasid, ...pasids].filter((pasid) => pasid < 1 << 15);
    const pasid = all[pick % all.length];
    const at = builder.directoryEntry(directory, pasid);
    const word = driver.tables.word(at);
    driver.tables.setWord(at, this.#toggled(at, word));
    const holders = this.#holdersIn(directory).filter((each) => each.pasid >> 6 === pasid >> 6);
    return { scope: 'directory', sourceId, holders, wasPresent: (word & 1n) === 1n };
  }

  #root({ sourceId }: ScalableDevice): Change {
    const { builder, driver } = this.world;
    const at = builder.rootHalf(sourceId);
    driver.tables.setWord(at, this.#toggled(at, driver.tables.word(at)));
    return { scope: 'everything' };
  }

  /** A copy of the root table takes its place. */
  #otherRoot(): Change {
    const { builder, driver, spec } = this.world;
    if (!driver.hasRoom) return { scope: 'nothing' };
    const copy = driver.tables.page();
    for (let at = 0; at < 4096; at += 8) {
      driver.tables.setWord(copy * 4096 + at, driver.tables.word(builder.root * 4096 + at));
    }
    builder.root = copy;
    this.#setRoot(this.#aborting ? 3 : 1);
    return { scope: spec.caps.esrtps ? 'nothing' : 'everything' };
  }

  #toggleTranslation(): Change {
    const { driver, spec } = this.world;
    this.#translating = !this.#translating;
    if (this.#translating) {
      this.#setRoot(this.#aborting ? 3 : 1);
      if (!spec.caps.esrtps) this.invalidate({ scope: 'everything' }, { grain: 'global', functionMask: 0 });
    }
    driver.translate(this.#translating);
    return { scope: 'nothing' };
  }

  /** TTM may only be changed while the unit translates if that drops all caches (§6.6). */
  #toggleAbort(): Change {
    const { caps } = this.world.spec;
    if (!caps.adms || !caps.esrtps) return { scope: 'nothing' };
    this.#aborting = !this.#aborting;
    this.#setRoot(this.#aborting ? 3 : 1);
    return { scope: 'nothing' };
  }

  #toggleProtection({ low, high }: Edit & { kind: 'protect' }): Change {
    const { driver, spec } = this.world;
    if (this.#protecting) stopProtecting(driver);
    else protect(driver, spec.caps, low, high);
    this.#protecting = !this.#protecting && (low !== undefined || high !== undefined);
    return { scope: 'nothing' };
  }
}
