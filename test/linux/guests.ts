import { expect } from 'vitest';
import type { CapabilityName, IommuStatistics } from '../../src/index.js';

/** A DMA that nothing allows, and what the guest says of it. */
interface Attack {
  readonly name: string;
  readonly sourceId: number;
  readonly iova: number;
  readonly write: boolean;
  readonly line: RegExp;
}

/** A way to boot Linux, and what is to be seen then. */
export interface GuestRow {
  readonly name: string;
  /** Of the kernel's command line. */
  readonly options: string;
  readonly capabilities?: Partial<Record<CapabilityName, number>>;
  /** What the driver says. */
  readonly lines: readonly RegExp[];
  /** Requests are passed through. */
  readonly passThrough?: boolean;
  readonly attacks: readonly Attack[];
  /** What of the unit's counters tells that the guest did what its name says. */
  readonly counters: (statistics: IommuStatistics) => void;
}

const OUTSIDE: readonly Attack[] = [
  {
    name: 'a write beyond memory',
    sourceId: 0x00f0,
    iova: 0x12345000,
    write: true,
    line: /DMAR: \[DMA Write NO_PASID\] Request device \[0000:00:1e\.0\] fault addr 0x12345000 \[fault reason 0x05\] PTE/,
  },
  {
    name: 'a read of where the kernel is in memory',
    sourceId: 0x00f0,
    iova: 0x01000000,
    write: false,
    line: /DMAR: \[DMA Read NO_PASID\] Request device \[0000:00:1e\.0\] fault addr 0x1000000 \[fault reason 0x06\] PTE/,
  },
];

/** With pass-through only those have no access to memory that the guest does not know. */
const STRANGER: readonly Attack[] = [
  {
    name: 'a write by a device that the guest does not know',
    sourceId: 0x00ff,
    iova: 0x01000000,
    write: true,
    line: /DMAR: \[DMA Write NO_PASID\] Request device \[.*00:1f\.7\] fault addr 0x1000000 \[fault reason 0x02\] Present/,
  },
];

/** Executed descriptors by type, every one of which was waited for. */
function descriptorsOf({ descriptors }: IommuStatistics) {
  const { IOTLB = 0, 'context-cache': context = 0, wait = 0, ...others } = descriptors;
  expect(others).toEqual({});
  expect(wait).toBe(IOTLB + context);
  return { iotlb: IOTLB, context };
}

export const GUESTS: readonly GuestRow[] = [
  {
    name: 'lazy invalidation',
    options: 'intel_iommu=on',
    lines: [/iommu: DMA domain TLB invalidation policy: lazy mode/, /DMAR: dmar0: Using Queued invalidation/],
    attacks: OUTSIDE,
    counters: (statistics) => {
      const { iotlb, context } = descriptorsOf(statistics);
      expect(iotlb).toBeGreaterThan(5);
      expect(context).toBe(0);
    },
  },
  {
    name: 'strict invalidation',
    options: 'intel_iommu=on iommu.strict=1',
    lines: [/iommu: DMA domain TLB invalidation policy: strict mode/, /DMAR: dmar0: Using Queued invalidation/],
    attacks: OUTSIDE,
    counters: (statistics) => {
      const { iotlb, context } = descriptorsOf(statistics);
      expect(iotlb).toBeGreaterThan(60);
      expect(context).toBe(0);
    },
  },
  {
    name: 'pass-through',
    options: 'intel_iommu=on iommu=pt',
    lines: [/iommu: Default domain type: Passthrough/, /DMAR: dmar0: Using Queued invalidation/],
    passThrough: true,
    attacks: STRANGER,
    counters: (statistics) => {
      // a mapping that never changes is found in the cache
      expect(descriptorsOf(statistics)).toEqual({ iotlb: 0, context: 0 });
      expect(statistics.hits).toBeGreaterThan(statistics.translations / 2);
    },
  },
  {
    name: 'CAP.CM=1',
    options: 'intel_iommu=on',
    capabilities: { 'CAP.CM': 1 },
    lines: [/DMAR: IOMMU batching disallowed due to virtualization/],
    attacks: OUTSIDE,
    counters: (statistics) => {
      // mappings are announced too, and every device when it comes
      const { iotlb, context } = descriptorsOf(statistics);
      expect(iotlb).toBeGreaterThan(200);
      expect(context).toBeGreaterThanOrEqual(6);
    },
  },
  {
    name: 'tables of 3 levels only',
    options: 'intel_iommu=on',
    capabilities: { 'CAP.SAGAW': 0b010, 'CAP.MGAW': 38 },
    lines: [/DMAR: dmar0: reg_base_addr fed90000 ver 1:0 cap [0-9a-f]*260206 /],
    attacks: OUTSIDE,
    counters: (statistics) => {
      expect(descriptorsOf(statistics).iotlb).toBeGreaterThan(5);
    },
  },
  {
    name: 'invalidation by registers, ECAP.QI=0',
    options: 'intel_iommu=on',
    // interrupt remapping needs the queue
    capabilities: { 'ECAP.QI': 0, 'ECAP.IR': 0, 'ECAP.MHMV': 0 },
    lines: [/DMAR: dmar0: Using Register based invalidation/],
    attacks: OUTSIDE,
    counters: ({ descriptors }) => expect(descriptors).toEqual({}),
  },
];
