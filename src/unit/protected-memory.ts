import type { Capabilities } from '../regs/capabilities.js';
import type { RegisterFile } from '../regs/register-file.js';
import type { AddressRange } from '../walk/address-ranges.js';
import type { RemappingState } from '../walk/translator.js';

const PMEN = 0x64;
const PLMBASE = 0x68;
const PLMLIMIT = 0x6c;
const PHMBASE = 0x70;
const PHMLIMIT = 0x78;

const EPM = 1 << 31;
const PRS = 1;

/** Bits of base and limit registers that software cannot set: the base has zeros there, the limit ones (§11.4.8.2). */
const GRANULE = 0x20_0000;

/** The protected memory regions (§11.4.8): while PMEN enables them, no request reaches them. */
export function watchProtectedMemory(
  registers: RegisterFile,
  capabilities: Capabilities,
  state: RemappingState,
  changed: () => void,
): void {
  const low = capabilities.has('CAP.PLMR');
  const high = capabilities.has('CAP.PHMR');
  if (!low && !high) return;
  const half = (offset: number) => registers.get(offset) >>> 0;
  const whole = (offset: number) => half(offset + 4) * 0x1_0000_0000 + half(offset);
  const region = (base: number, limit: number): AddressRange => ({ first: base, end: limit + GRANULE });
  registers.onWrite(PMEN, () => {
    const enabled = (registers.get(PMEN) & EPM) !== 0;
    if (enabled === ((registers.get(PMEN) & PRS) !== 0)) return;
    registers.set(PMEN, enabled ? EPM | PRS : 0);
    const regions: AddressRange[] = [];
    if (enabled && low) regions.push(region(half(PLMBASE), half(PLMLIMIT)));
    if (enabled && high) regions.push(region(whole(PHMBASE), whole(PHMLIMIT)));
    // a limit below the base leaves the region empty
    state.protectedRanges = regions.filter((each) => each.first < each.end);
    changed();
  });
}
