import { type PlainWalk, plainWalk } from './plain-walk.js';
import type { StageRules } from './stage-rules.js';

/** A tree of paging entries, ready to be walked. */
export interface Stage {
  readonly rules: StageRules;
  /** Page number of the top table: a host address, or in a nested first stage a guest address. */
  readonly table: number;
  /** Level of the top table: 3, 4 or 5. */
  readonly levels: number;
  /** Width of an input address: min(MGAW, AGAW), in a first stage that of a canonical address. */
  readonly addressBits: number;
  /** How many pages of input addresses that makes. */
  readonly pages: number;
  /** Flags that a walk sets in each entry that it uses, and in the page that is written; 0 where none are kept. */
  readonly accessed: number;
  readonly dirty: number;
  /** Whether walks are snooped: only then may flags be set (§3.10). */
  readonly snooped: boolean;
  /** WPE: supervisor requests need write permission too (§3.6.1). */
  readonly writeProtected: boolean;
  /** The short way for most addresses, if the stage has one. */
  readonly plain: PlainWalk | undefined;
}

/** What of a stage is not the same in all of them. */
type StageOptions = Pick<Stage, 'rules' | 'table' | 'levels' | 'addressBits'> & Partial<Stage>;

/** A stage without flags, unless told otherwise. */
export function stage(options: StageOptions): Stage {
  const pages = 2 ** (options.addressBits - 12);
  const all = { pages, accessed: 0, dirty: 0, snooped: true, writeProtected: false, ...options };
  return { ...all, plain: plainWalk(all) };
}

/** Whether a stage translates an address at all: the widths of second stages, the canonical addresses of first ones. */
export function coversAddress({ rules, addressBits }: Stage, hi: number): boolean {
  if (!rules.first) return hi >>> (addressBits - 32) === 0;
  const upper = hi >> (addressBits - 33);
  return upper === 0 || upper === -1;
}
