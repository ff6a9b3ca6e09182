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
}

export const QUALIFIED = true;
export const UNQUALIFIED = false;

/** A row of §7.1.3. */
export function row(
  name: string,
  code: number | undefined,
  qualified: boolean,
  about: string,
  remedy: string,
): Condition {
  return { name, code, qualified, about, remedy, section: '§7.1.3' };
}

export const READABLE = 'put the table into memory that the unit can reach, or correct the pointer to it';
export const RESERVED = 'clear the reserved bits named; a feature that is not advertised makes its bits reserved';
