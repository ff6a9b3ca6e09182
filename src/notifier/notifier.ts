import { EventEmitter } from 'eventemitter3';
import { alignedBlocks } from './aligned-blocks.js';
import { type MappedRun, Shadow, type ShadowChange } from './shadow.js';

/** A run of pages became usable. */
export interface MapEvent extends MappedRun {
  readonly sourceId: number;
}

/** A range of pages may no longer be used as it was announced. */
export interface UnmapEvent {
  readonly sourceId: number;
  readonly iova: number;
  readonly length: number;
}

/** Most runs that a notifier holds: a few KiB of tables can name millions, and each costs the host memory. */
export const MOST_RUNS = 2 ** 18;

/** What a notifier hears. */
export type NotifierKinds = 'map' | 'unmap' | 'both';

/** How a notifier is registered. */
export interface NotifierOptions {
  /** First and last IOVA that it wants to hear of; default all. The window is made of whole pages. */
  readonly first?: number | bigint;
  readonly last?: number | bigint;
  /** What it hears; default `both`. `map` and `both` need CAP.CM=1, without which software may map in silence. */
  readonly kinds?: NotifierKinds;
  /** Announce at once what is mapped now; default `true`. Without it a page is announced once an invalidation concerns it. */
  readonly replay?: boolean;
  /** Announce unmaps as aligned powers of two. */
  readonly aligned?: boolean;
  /** Called like a listener of `map` and `unmap`, but before the replay of the registration. */
  readonly map?: (event: MapEvent) => void;
  readonly unmap?: (event: UnmapEvent) => void;
}

/**
 * Hears of mappings that come and go in a window of a region (§6.1 is what makes that possible: with CAP.CM=1 software
 * tells the unit of every change). What it has announced is always what a replay of the window would announce.
 */
export class Notifier extends EventEmitter<{ map: [event: MapEvent]; unmap: [event: UnmapEvent] }> {
  /** The window: `first` up to, not including, `end`. */
  readonly first: number;
  readonly end: number;
  readonly #sourceId: number;
  readonly #kinds: NotifierKinds;
  readonly #aligned: boolean;
  readonly #shadow = new Shadow();
  #overrun = false;
  readonly #forward: (event: 'map' | 'unmap', payload: MapEvent | UnmapEvent) => void;
  readonly #removed: (notifier: Notifier) => void;

  /** @internal made by `IommuMemoryRegion.addNotifier` */
  constructor(
    sourceId: number,
    options: NotifierOptions,
    forward: (event: 'map' | 'unmap', payload: MapEvent | UnmapEvent) => void,
    removed: (notifier: Notifier) => void,
  ) {
    super();
    [this.first, this.end] = pageWindow(options.first, options.last);
    this.#sourceId = sourceId;
    this.#kinds = options.kinds ?? 'both';
    this.#aligned = options.aligned ?? false;
    this.#forward = forward;
    this.#removed = removed;
    if (options.map !== undefined) this.on('map', options.map);
    if (options.unmap !== undefined) this.on('unmap', options.unmap);
  }

  /** What has been announced and not withdrawn, as runs in ascending order. */
  get mapped(): readonly MappedRun[] {
    return this.#shadow.runs;
  }

  /**
   * Whether the tables map more than can be followed: more than 262 144 runs, or beyond the unit's `replayLimit`. Then
   * everything is withdrawn, until an invalidation finds that they can be followed again.
   */
  get overrun(): boolean {
    return this.#overrun;
  }

  /** Stops listening. What was announced is not withdrawn. */
  remove(): void {
    this.#removed(this);
    this.removeAllListeners();
  }

  /**
   * Takes in the state of a range and announces what differs from what it has announced: first all unmaps, then all
   * maps, so that a page that moved is withdrawn before it comes again.
   *
   * @internal
   */
  update(first: number, end: number, runs: readonly MappedRun[]): void {
    if (this.#shadow.countOutside(first, end) + runs.length > MOST_RUNS) this.giveUp();
    else {
      this.#overrun = false;
      this.announce(this.#shadow.replace(first, end, runs));
    }
  }

  /**
   * Withdraws everything, since the tables cannot be followed.
   *
   * @internal
   */
  giveUp(): void {
    this.#overrun = true;
    this.announce(this.#shadow.replace(this.first, this.end, []));
  }

  private announce(change: ShadowChange): void {
    if (this.#kinds !== 'map') for (const { iova, length } of change.unmapped) this.#unmap(iova, length);
    if (this.#kinds === 'unmap') return;
    for (const run of change.mapped) this.#tell('map', { sourceId: this.#sourceId, ...run });
  }

  /** Withdraws a range without a look at tables: for a notifier of unmaps where no shadow can be kept (CAP.CM=0). */
  withdraw(first: number, end: number): void {
    const from = Math.max(first, this.first);
    const to = Math.min(end, this.end);
    if (from < to) this.#unmap(from, to - from);
  }

  #unmap(iova: number, length: number): void {
    const blocks = this.#aligned ? alignedBlocks(iova, length) : [{ iova, length }];
    for (const block of blocks) this.#tell('unmap', { sourceId: this.#sourceId, ...block });
  }

  #tell(name: 'map' | 'unmap', event: MapEvent | UnmapEvent): void {
    this.emit(name, event as MapEvent);
    this.#forward(name, event);
  }
}

/**
 * A window given by its first and its last address, as first and end.
 *
 * @throws RangeError if it is not made of whole pages of the 64-bit address space
 */
export function pageWindow(first: number | bigint = 0, last: number | bigint = 2n ** 64n - 1n): [number, number] {
  const begin = Number(first);
  const end = Number(BigInt(last) + 1n);
  if (!(begin >= 0 && begin < end && end <= 2 ** 64) || begin % 4096 !== 0 || end % 4096 !== 0) {
    throw new RangeError(
      `a window from ${first} to ${last}: the first address must be a multiple of 4096, the last one less than a multiple`,
    );
  }
  return [begin, end];
}
