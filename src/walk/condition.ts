/**
 * What a translation request gets (§7.1.3, column of translation requests): unsupported request, completer abort, success
 * without rights, or success with the rights that are left. Only refusals are recorded, and what says so.
 */
export type TranslationAnswer = 'UR' | 'CA' | 'S0' | 'S0+log' | 'SE';

/** The answers to translation requests, translated requests and page requests, `·` where no such request can meet the condition. */
export type Answers = `${TranslationAnswer | '·'} ${'UR' | 'CA' | '·'} ${'IR' | '·'}`;

/** One reason why a request is not translated, and how the architecture reports it. */
export interface Condition {
  /** The condition's name in the specification, e.g. `LGN.1.1`. */
  readonly name: string;
  /** Fault reason code of the record; `undefined` for a request that is refused without any record. */
  readonly code: number | undefined;
  /** A qualified condition is not recorded when fault processing is disabled for the requester (§7.1.1). */
  readonly qualified: boolean;
  /** What is wrong. */
  readonly about: string;
  /** What usually has to change so that the request succeeds. */
  readonly remedy: string;
  readonly section: string;
  /** What a translation request gets; `undefined` if none can meet the condition. So are the next two. */
  readonly translationRequest: TranslationAnswer | undefined;
  /** What a translated request gets; an untranslated one gets an unsupported request in every case. */
  readonly translatedRequest: 'UR' | 'CA' | undefined;
  /** What a page request gets that is to be answered: the response "invalid request". */
  readonly pageRequest: 'IR' | undefined;
}

export const QUALIFIED = true;
export const UNQUALIFIED = false;

/** A row of §7.1.3. */
export function row(
  name: string,
  code: number | undefined,
  qualified: boolean,
  answers: Answers,
  about: string,
  remedy: string,
): Condition {
  const [translationRequest, translatedRequest, pageRequest] = answers
    .split(' ')
    .map((answer) => (answer === '·' ? undefined : answer)) as [
    Condition['translationRequest'],
    Condition['translatedRequest'],
    Condition['pageRequest'],
  ];
  return {
    name,
    code,
    qualified,
    about,
    remedy,
    section: '§7.1.3',
    translationRequest,
    translatedRequest,
    pageRequest,
  };
}

/** Of conditions that no device with a device-TLB meets. */
export const NO_ANSWERS: Answers = '· · ·';

export const READABLE = 'put the table into memory that the unit can reach, or correct the pointer to it';
export const RESERVED = 'clear the reserved bits named; a feature that is not advertised makes its bits reserved';
