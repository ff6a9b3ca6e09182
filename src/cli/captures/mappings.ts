import type { ReplaySummary } from '../../notifier/replay.js';
import type { IntelIommu } from '../../unit/intel-iommu.js';
import { rightsText } from '../../walk/rights.js';
import { count } from '../format.js';
import { InputError } from '../io.js';
import { type CapturedRequester, requesterName } from './requesters.js';

/** Pages that follow each other in both address spaces. */
export interface Run {
  readonly iova: number;
  readonly length: number;
  readonly address: number;
  readonly perm: string;
}

/** All that a requester can reach. */
export interface Mappings {
  readonly runs: readonly Run[];
  readonly summary: ReplaySummary;
}

/** Bounds over all requesters of a capture: tables may point to themselves, and then map without end. */
const MOST_RUNS = 2 ** 20;
const MOST_ENTRIES = 2 ** 26;

/** Replays the requesters of a capture. */
export class MappingReader {
  readonly #unit: IntelIommu;
  #runs = 0;
  #entries = 0;

  constructor(unit: IntelIommu) {
    this.#unit = unit;
  }

  /** @throws InputError if there is too much to be listed */
  read(requester: Pick<CapturedRequester, 'sourceId' | 'pasid'>): Mappings {
    const runs: Run[] = [];
    const summary = this.#unit.region(requester.sourceId, requester.pasid).replay((iova, length, address, rights) => {
      runs.push({ iova, length, address, perm: rightsText(rights) });
      return ++this.#runs <= MOST_RUNS;
    });
    this.#entries += summary.entries;
    if (summary.ended !== 'complete' || this.#entries > MOST_ENTRIES) {
      const limits = `${count(MOST_RUNS)} runs or ${count(MOST_ENTRIES)} entries`;
      throw new InputError(`the tables of ${requesterName(requester)} and those before it have more than ${limits}`);
    }
    return { runs, summary };
  }
}
