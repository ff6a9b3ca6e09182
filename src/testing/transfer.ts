import type { PageGroup } from './page-groups.js';
import type { CachedTranslation, Requests } from './translation-cache.js';

/**
 * Why a transfer ended early:
 *
 * - `unsupported-request`, `completer-abort`: how the unit answered a translation request
 * - `no-right`: the tables do not permit it, and the device makes no page requests
 * - `invalid-request`, `response-failure`: how its page requests were answered
 * - `blocked`: the unit let a memory request not pass, or no memory answered it
 */
export type TransferFailure =
  | 'unsupported-request'
  | 'completer-abort'
  | 'no-right'
  | 'invalid-request'
  | 'response-failure'
  | 'blocked';

/** A memory request on its way, with an address that the device's cache gave. */
export interface TranslatedRequest {
  readonly translation: CachedTranslation;
  readonly address: bigint;
  readonly length: number;
}

/** A DMA transfer of a {@link ModelDevice}: it goes on by the device's steps. */
export class Transfer implements Requests {
  readonly address: bigint;
  readonly isWrite: boolean;
  readonly pasid: number | undefined;
  readonly privileged: boolean;
  /** The bytes: those to be written, or those that were read so far, 0 behind them. */
  readonly data: Uint8Array;
  /** How many bytes have been moved. */
  moved = 0;
  /** Why it ended early; `undefined` if it did not. */
  failure: TransferFailure | undefined = undefined;
  /** The page request group that it waits for. */
  group: PageGroup | undefined = undefined;
  /** The memory request that is on its way. */
  inFlight: TranslatedRequest | undefined = undefined;

  /** @internal made by `ModelDevice.read` and `write` */
  constructor(address: bigint, data: Uint8Array, isWrite: boolean, { pasid, privileged }: Requests) {
    this.address = address;
    this.data = data;
    this.isWrite = isWrite;
    this.pasid = pasid;
    this.privileged = privileged;
  }

  /** `waiting` means for the response to page requests. */
  get status(): 'running' | 'waiting' | 'done' | 'failed' {
    if (this.failure !== undefined) return 'failed';
    if (this.moved === this.data.length) return 'done';
    return this.group === undefined ? 'running' : 'waiting';
  }

  get isOver(): boolean {
    return this.failure !== undefined || this.moved === this.data.length;
  }
}
