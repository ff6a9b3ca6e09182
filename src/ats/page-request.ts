import type { Fault } from '../faults/fault.js';

/** A device's page request (PCIe PRI; §7.4): it asks software to make a page present. */
export interface PageRequest {
  /** Requester id, 0 to 0xFFFF. */
  readonly sourceId: number;
  /** 0 to 0xFFFFF; `undefined` without. */
  readonly pasid?: number | undefined;
  /** The input address; bits 11:0 do not count. */
  readonly address: bigint | number;
  /** What the device wants to do. With neither, the last of a group and with PASID it is a stop marker (§7.11). Default false. */
  readonly read?: boolean;
  readonly write?: boolean;
  /** Only requests with PASID have these. */
  readonly privileged?: boolean;
  readonly execute?: boolean;
  /** LPIG: the last request of its group, which will be answered; the others of the group are not. */
  readonly lastInGroup: boolean;
  /** PRGI: index of the page request group, 0 to 511. */
  readonly group: number;
}

/** Response codes of a page request group (§7.6.1): after a response failure the device disables its page requests. */
export type ResponseCode = 'success' | 'invalid-request' | 'response-failure';

/** The answer to a page request group: by software (a page group response descriptor), or by the unit itself. */
export interface PageGroupResponse {
  readonly sourceId: number;
  readonly pasid: number | undefined;
  /** PRGI. */
  readonly group: number;
  readonly code: ResponseCode;
}

/**
 * What became of a page request (§7.4.1, Table 31):
 *
 * - `queued`: it stands in the page request queue, and software will answer its group
 * - `answered`: the unit has answered the group itself, as the device's port was told; `success` means "try again", as the
 *   queue is full; with `invalid-request` the tables refuse such requests, as `fault` says
 * - `dropped`: nobody answers. It is not the last of its group, or a stop marker
 */
export type PageRequestOutcome =
  | { readonly outcome: 'queued' }
  | { readonly outcome: 'answered'; readonly code: 'success' | 'invalid-request'; readonly fault?: Fault }
  | { readonly outcome: 'dropped'; readonly fault?: Fault };
