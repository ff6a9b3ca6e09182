import type { Capabilities } from '../regs/capabilities.js';

/** AW 1 to 3 name the address widths of CAP.SAGAW bits 1 to 3; there are no others (§9.3, §9.6). */
export function supportsWidth(capabilities: Capabilities, width: number): boolean {
  return width >= 1 && width <= 3 && ((capabilities.get('CAP.SAGAW') >> width) & 1) === 1;
}

/** Width of a second stage's input addresses: min(MGAW, AGAW). */
export function guestWidth(capabilities: Capabilities, levels: number): number {
  return Math.min(capabilities.get('CAP.MGAW') + 1, 12 + 9 * levels);
}
