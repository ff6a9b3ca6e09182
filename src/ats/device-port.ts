import type { PageGroupResponse } from './page-request.js';

/**
 * What the unit asks of a device-TLB: to drop what it holds of a range (§4.3). For requests without PASID
 * ({@link pasid} `undefined`), those of one PASID, or with {@link global} those of all PASIDs.
 */
export interface DeviceTlbInvalidation {
  readonly sourceId: number;
  readonly pasid: number | undefined;
  /** GI: of every PASID, whatever {@link pasid} says. */
  readonly global: boolean;
  /** First input address, aligned to {@link size}. */
  readonly address: bigint;
  /** Bytes, a power of two from 2^12 to 2^64. */
  readonly size: bigint;
  /** ITag, 0 to 31: names the invalidation among those that are not completed. */
  readonly tag: number;
}

/** A device's Invalidate Completion message (§4.3). */
export interface InvalidationCompletion {
  readonly sourceId: number;
  /** The ITags that it completes, as a vector of 32 bits, signed or unsigned. */
  readonly tags: number;
  /** CC: how many such messages complete an invalidation, 1 to 8; default 1. */
  readonly count?: number;
}

/** The device's end of the link: what the unit sends to a device with a device-TLB. */
export interface DevicePort {
  /**
   * The device has to drop translations, and not to use them any more in what it sends after its completion.
   *
   * @param complete - tells the unit that it is done: now, later or never. It is short for the message
   * `unit.invalidationCompletion({ sourceId, tags: 1 << tag })`; a second call, or one after the time-out, is a completion
   * that nobody waits for (FSTS.ICE)
   */
  invalidate(request: DeviceTlbInvalidation, complete: () => void): void;
  /** Page requests are answered, by software or by the unit itself. */
  pageGroupResponse(response: PageGroupResponse): void;
}
