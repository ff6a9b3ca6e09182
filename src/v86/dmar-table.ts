import { buildDmar } from '../acpi/build-dmar.js';
import type { IntelIommu } from '../unit/intel-iommu.js';

/**
 * The DMAR table of a machine with one unit that serves all devices (§8.1, §8.3). It does not offer interrupt remapping:
 * v86's IOAPIC delivers by itself.
 */
export function dmarTable(unit: IntelIommu, base: number): Uint8Array {
  return buildDmar({
    oemTableId: 'V86',
    hostAddressWidth: unit.capabilities.haw,
    structures: [{ type: 'DRHD', flags: ['INCLUDE_PCI_ALL'], registerBase: base }],
  });
}
