import type { IntelIommu } from '../unit/intel-iommu.js';

const INCLUDE_PCI_ALL = 1;
const HEADER_BYTES = 48;
const DRHD_BYTES = 16;

/** The DMAR table of a machine with one unit that serves all devices (§8.1, §8.3). */
export function dmarTable(unit: IntelIommu, base: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + DRHD_BYTES);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string) => {
    for (let i = 0; i < value.length; i++) bytes[at + i] = value.charCodeAt(i);
  };
  text(0, 'DMAR');
  view.setUint32(4, bytes.length, true);
  view.setUint8(8, 1);
  text(10, 'IOMMU ');
  text(16, 'V86     ');
  view.setUint32(24, 1, true);
  text(28, 'VTD ');
  view.setUint32(32, 1, true);
  view.setUint8(36, unit.capabilities.haw - 1);
  view.setUint16(HEADER_BYTES + 2, DRHD_BYTES, true);
  view.setUint8(HEADER_BYTES + 4, INCLUDE_PCI_ALL);
  view.setUint32(HEADER_BYTES + 8, base, true);
  view.setUint8(9, -bytes.reduce((sum, byte) => sum + byte, 0));
  return bytes;
}
