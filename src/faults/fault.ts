import { CONDITIONS } from '../walk/conditions.js';
import { type RequestKind, requestKind } from '../walk/request-kind.js';
import { type Access, accessOf, EXECUTE, isPrivileged } from '../walk/rights.js';
import type { FaultOutcome, FaultyRequest } from './fault-log.js';

/** Why a request was not translated. */
export interface Fault {
  /** The condition's name in the specification, e.g. `LGN.2`. */
  readonly condition: string;
  /** The fault reason code; `undefined` for a refusal that the architecture does not record. */
  readonly reason: number | undefined;
  /** What is wrong, and what usually has to change. */
  readonly about: string;
  readonly remedy: string;
  /** Where the specification says so. */
  readonly section: string;
}

/** A fault as it happened: every one, also those that hardware does not record. */
export interface FaultEvent extends Fault {
  readonly sourceId: number;
  /** The request's PASID, if it had one. */
  readonly pasid: number | undefined;
  /** The input address; of an interrupt request the address in 0xFEEx_xxxx that it was sent to. */
  readonly address: bigint;
  readonly access: Access;
  /** Whether the PASID prefix asked for privilege, or for execution. */
  readonly privileged: boolean;
  readonly execute: boolean;
  /** What kind of request it was; an interrupt request is an untranslated one. */
  readonly kind: RequestKind;
  /**
   * What the device gets: an unsupported request, a completer abort, success without rights, or for a page request that is to be
   * answered the response "invalid request" (§7.1.3).
   */
  readonly completion: 'UR' | 'CA' | 'S0' | 'IR';
  /** The interrupt index of a request that is not remapped or posted (§5.1.3); `undefined` where there is none. */
  readonly interruptIndex?: number | undefined;
  /** Whether it stands in a fault recording register, or why not. */
  readonly outcome: FaultOutcome;
}

/** A condition as people meet it. */
export function faultOf(condition: number): Fault {
  const { name, code, about, remedy, section } = CONDITIONS[condition] as (typeof CONDITIONS)[number];
  return { condition: name, reason: code, about, remedy, section };
}

/** An address of two 32-bit halves. */
export function address64(hi: number, lo: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

/** Conditions that no such request should meet count as the usual refusal. */
function completionOf(condition: number, kind: RequestKind): FaultEvent['completion'] {
  const { translationRequest, translatedRequest, pageRequest } = CONDITIONS[condition] as (typeof CONDITIONS)[number];
  if (kind === 'page') return pageRequest ?? 'IR';
  if (kind === 'translated') return translatedRequest ?? 'UR';
  if (kind !== 'translation') return 'UR';
  return translationRequest === 'UR' || translationRequest === 'CA' ? translationRequest : 'S0';
}

/** The event of a fault. */
export function faultEvent(condition: number, request: FaultyRequest, outcome: FaultOutcome): FaultEvent {
  const { sourceId, pasid, hi, lo, access, kind } = request;
  return {
    ...faultOf(condition),
    sourceId,
    pasid,
    address: address64(hi, lo),
    access: accessOf(access),
    privileged: isPrivileged(access),
    execute: (access & EXECUTE) !== 0,
    kind: requestKind(kind),
    completion: completionOf(condition, requestKind(kind)),
    outcome,
  };
}
