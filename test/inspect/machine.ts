import {
  type Capabilities,
  type CapabilityName,
  type ExplainRequest,
  type Explanation,
  GuestMemory,
  IntelIommu,
  type IntelIommuOptions,
} from '../../src/index.js';
import { LEGACY_UNIT } from '../support/legacy-unit.js';
import { TableBuilder } from '../support/table-builder.js';

/** The device of the machine, 01:02.3, and an address whose index differs at every level. */
export const DEVICE = 0x0113;
export const IOVA = 0x0123_4567_8abcn;
export const PAGE = 0x3_4567_8000;

export const MEMORY_BYTES = 0x4_0000;

/** A machine with 256 KiB of RAM, a unit of 46 host address bits and legacy mode, and a device that no table knows yet. */
export class Machine {
  readonly memory = GuestMemory.ram(MEMORY_BYTES);
  readonly tables = new TableBuilder(this.memory, 0x10);
  readonly unit: IntelIommu;

  constructor(
    fields: Partial<Record<CapabilityName, number>> = {},
    { hostAddressWidth = 46, ...options }: Partial<IntelIommuOptions> = {},
  ) {
    const { memory } = this;
    this.unit = new IntelIommu({
      memory,
      preset: 'everything',
      capabilities: { ...LEGACY_UNIT, ...fields },
      hostAddressWidth,
      caches: 'none',
      ...options,
    });
  }

  get capabilities(): Capabilities {
    return this.unit.capabilities;
  }

  /** Latches a root table (the one of {@link tables}) and a mode, and switches remapping on. */
  start(mode = 0, rootTable = this.tables.root): this {
    this.unit.write64(0x20, (BigInt(rootTable) << 12n) | BigInt(mode << 10));
    this.unit.write32(0x18, 1 << 30);
    this.unit.write32(0x18, 1 << 31);
    return this;
  }

  /** Attaches the device to an empty domain; answers the page number of its top table. */
  attach(fields: { levels?: number; type?: number; domainId?: number; faultsDisabled?: boolean } = {}): number {
    const table = this.tables.page();
    this.tables.context(DEVICE, { table, levels: 4, domainId: 5, ...fields });
    return table;
  }

  /** Maps one page for the device; answers the address of its entry. */
  map(table: number, spec: Parameters<TableBuilder['map']>[4] & { levels?: number; address?: number } = {}): number {
    return this.tables.map(table, spec.levels ?? 4, Number(IOVA), spec.address ?? PAGE, spec);
  }

  /** Sets bits of the word at an address. */
  setBits(address: number, bits: bigint): void {
    this.tables.setWord(address, this.tables.word(address) | bits);
  }

  clearBits(address: number, bits: bigint): void {
    this.tables.setWord(address, this.tables.word(address) & ~bits);
  }

  explain(request: Partial<ExplainRequest> = {}): Explanation {
    return this.unit.explain({ sourceId: DEVICE, iova: IOVA, ...request });
  }
}
