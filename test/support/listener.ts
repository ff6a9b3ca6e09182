import type { IommuMemoryRegion, MapEvent, Notifier, NotifierOptions, UnmapEvent } from '../../src/index.js';
import { clipRuns, joinRuns, type Run, runText } from './runs.js';
import { hex } from './scenario.js';

type Told =
  | { readonly kind: 'map'; readonly run: Run }
  | { readonly kind: 'unmap'; readonly iova: number; readonly length: number };

/**
 * Somebody who hears of mappings, as a back end does: what is mapped is known from the events alone. What a back end
 * could not do is kept as complaints.
 */
export class Listener {
  readonly notifier: Notifier;
  /** Whether everything was looked at since; without a replay at first only what invalidations concerned is known. */
  isComplete: boolean;
  /** What is mapped, in ascending order, joined. */
  mapped: readonly Run[] = [];
  /** Events since the last {@link settle}. */
  #told: Told[] = [];
  #before: readonly Run[] = [];
  readonly #region: IommuMemoryRegion;
  readonly #complaints: string[] = [];
  readonly #first: bigint;
  readonly #last: bigint;

  /** @param heard - told of each event, too */
  constructor(
    region: IommuMemoryRegion,
    options: NotifierOptions & { first: bigint; last: bigint },
    heard: (event: MapEvent | UnmapEvent) => void,
  ) {
    this.#region = region;
    this.#first = options.first;
    this.#last = options.last;
    this.notifier = region.addNotifier({
      ...options,
      map: (event) => {
        heard(event);
        this.#map(event);
      },
      unmap: (event) => {
        heard(event);
        this.#unmap(event);
      },
    });
    this.isComplete = options.replay !== false;
    this.#before = this.mapped;
  }

  /** What a replay of the window announces now; nothing, if tables lead round in circles without an end. */
  replayed(): Run[] {
    const runs: Run[] = [];
    const { ended } = this.#region.replay(
      (iova, length, address, rights) => runs.push({ iova, length, address, rights }),
      { first: this.#first, last: this.#last },
    );
    return ended === 'limit' ? [] : joinRuns(runs);
  }

  /** What is mapped here though a replay of the window does not announce it so. */
  get astray(): Run[] {
    const fresh = this.replayed();
    return this.mapped.filter((run) => {
      const same = clipRuns(fresh, run.iova, run.iova + run.length).filter(
        (each) => each.rights === run.rights && each.address - each.iova === run.address - run.iova,
      );
      return same.reduce((sum, each) => sum + each.length, 0) !== run.length;
    });
  }

  /** The unmaps since the last {@link settle}, in order. */
  get unmaps(): { iova: number; length: number }[] {
    return this.#told.flatMap((each) => (each.kind === 'unmap' ? [{ iova: each.iova, length: each.length }] : []));
  }

  /**
   * Looks at what one command has brought.
   *
   * @throws Error if something was unmapped that had not been mapped, or was mapped before it was unmapped, or was
   * unmapped though it stays as it was
   */
  settle(): void {
    for (const { iova, length } of this.unmaps) {
      for (const old of clipRuns(this.#before, iova, iova + length)) {
        const [kept] = clipRuns(this.mapped, old.iova, old.iova + old.length).filter(
          (fresh) => fresh.rights === old.rights && fresh.address - fresh.iova === old.address - old.iova,
        );
        if (kept !== undefined) this.#complaints.push(`${runText(kept)} was unmapped, but it stays`);
      }
    }
    this.#told = [];
    this.#before = this.mapped;
    if (this.#complaints.length > 0) throw new Error(this.#complaints.join('; '));
  }

  #map({ iova, length, address, rights }: MapEvent): void {
    const run = { iova, length, address, rights };
    const isInside = BigInt(iova) >= this.#first && BigInt(iova) + BigInt(length) - 1n <= this.#last;
    if (!isInside) this.#complaints.push(`map ${runText(run)} is outside of the window`);
    const there = clipRuns(this.mapped, iova, iova + length);
    if (there.length > 0) this.#complaints.push(`map ${runText(run)}, but ${there.map(runText)} is there`);
    this.#told.push({ kind: 'map', run });
    this.mapped = joinRuns([...this.mapped, run].sort((a, b) => a.iova - b.iova));
  }

  #unmap({ iova, length }: UnmapEvent): void {
    const there = clipRuns(this.mapped, iova, iova + length).reduce((sum, run) => sum + run.length, 0);
    if (there !== length)
      this.#complaints.push(`unmap ${hex(iova)} + ${hex(length)}, of which ${hex(there)} is mapped`);
    this.#told.push({ kind: 'unmap', iova, length });
    const left = [clipRuns(this.mapped, 0, iova), clipRuns(this.mapped, iova + length, 2 ** 64)];
    this.mapped = left.flat();
  }
}
