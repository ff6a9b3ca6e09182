import type { IntelIommu } from '../../unit/intel-iommu.js';
import type { RegisterWords } from './register-words.js';

/** Registers whose writes are commands; the global command is given last, the others were done long ago. */
const COMMANDS = /^(GCMD|CCMD|IVA|IOTLB_REG|PMEN)$/;
/** Registers that hold what hardware has to say. */
const STATUSES = /^(FSTS|FECTL|FRCD\[\d+\]|IQH|ICS|IECTL|IQERCD|CCMD|IOTLB_REG)$/;

const GCMD = 0x18;
const GSTS = 0x1c;
const PMEN = 0x64;

/** Brings a unit, made with pending invalidations, into the state that the registers tell: as software would, by writes. */
export function programState(unit: IntelIommu, captured: RegisterWords): void {
  const registers = unit.registers.dump();
  const dwords = (names: RegExp, exclude: boolean) =>
    registers
      .filter(({ name }) => names.test(name) !== exclude)
      .flatMap(({ offset, bytes }) => Array.from({ length: bytes / 4 }, (_, index) => offset + 4 * index));
  for (const offset of dwords(COMMANDS, true)) unit.write32(offset, captured.read32(offset));
  unit.write32(PMEN, captured.read32(PMEN));
  // each status bit stands where its command bit stands
  unit.write32(GCMD, captured.read32(GSTS));
  for (const offset of dwords(STATUSES, false)) unit.registers.set(offset, captured.read32(offset) | 0);
}
