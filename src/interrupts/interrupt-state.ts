/** What the registers have put in force for interrupt requests, beside GSTS.IRES. */
export interface InterruptState {
  /** GSTS.CFIS: requests in compatibility format pass. */
  compatibility: boolean;
  /** IRTA as the last SIRTP latched it: EIME, page number of the table, number of entries. */
  extended: boolean;
  table: number;
  entries: number;
}

/** The state after a reset, when IRTA is 0. */
export const RESET_INTERRUPT_STATE: InterruptState = { compatibility: false, extended: false, table: 0, entries: 2 };
