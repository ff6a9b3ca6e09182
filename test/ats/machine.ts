import {
  type DevicePort,
  type DeviceTlbInvalidation,
  type FaultEvent,
  GuestMemory,
  IntelIommu,
  type IntelIommuOptions,
  type PageGroupResponse,
} from '../../src/index.js';
import { hostAddressWidth, scalableCapabilities } from '../reference/rows/row.js';
import { type ScalableTables, sourceId } from '../reference/scalable-tables.js';
import { SRTP, TE } from '../unit/unit.js';

/** Where the page request queue is, and a wait descriptor writes its status. */
export const PAGE_QUEUE = 0x31_0000;
export const STATUS = 0x32_0000;

/** A device that has a device-TLB: it keeps what it is sent until the test completes it. */
export class HeldDevice implements DevicePort {
  readonly invalidations: DeviceTlbInvalidation[] = [];
  readonly completions: (() => void)[] = [];
  readonly responses: PageGroupResponse[] = [];

  invalidate(request: DeviceTlbInvalidation, complete: () => void): void {
    this.invalidations.push(request);
    this.completions.push(complete);
  }

  pageGroupResponse(response: PageGroupResponse): void {
    this.responses.push(response);
  }
}

/** A unit in scalable mode whose tables were made by hand; 4 MiB of RAM. */
export class AtsMachine {
  readonly memory = GuestMemory.ram(4 * 1024 * 1024);
  readonly unit: IntelIommu;
  readonly faults: FaultEvent[] = [];
  readonly messages: string[] = [];

  constructor(tables: ScalableTables, options: Partial<IntelIommuOptions> = {}, rtaddr = 1n << 10n) {
    for (const [address, word] of tables.words) this.set(Number(address), word);
    this.unit = new IntelIommu({
      preset: 'everything',
      hostAddressWidth,
      ...options,
      memory: this.memory,
      capabilities: { ...scalableCapabilities, ...options.capabilities },
    });
    this.unit.on('fault', (fault) => this.faults.push(fault));
    this.unit.on('message', ({ source }) => this.messages.push(source));
    this.unit.write64(0x20, 0x1000n | rtaddr);
    this.unit.write32(0x18, SRTP);
    this.unit.write32(0x18, TE);
    this.unit.write64(0xd0, BigInt(PAGE_QUEUE));
  }

  set(address: number, word: bigint): void {
    this.memory.write32(address, Number(word & 0xffff_ffffn));
    this.memory.write32(address + 4, Number(word >> 32n));
  }

  word(address: number): bigint {
    return (BigInt(this.memory.read32(address + 4) ?? 0) << 32n) | BigInt(this.memory.read32(address) ?? 0);
  }

  /** Connects a device at the tables' requester. */
  attach(id = sourceId): HeldDevice {
    const device = new HeldDevice();
    this.unit.attachDevice(id, device);
    return device;
  }
}

/** Descriptors, as 64-bit words. */
export const wait = (data: bigint, flags = 0x20n) => [5n | flags | (data << 32n), BigInt(STATUS)] as const;
export const deviceTlb = (
  address: bigint,
  { sized = false, most = 0n, function: pf = 0n, id = BigInt(sourceId) } = {},
) =>
  [3n | (most << 16n) | (id << 32n) | ((pf & 0xfn) << 12n) | ((pf >> 4n) << 52n), address | (sized ? 1n : 0n)] as const;
export const pasidDeviceTlb = (pasid: bigint, address: bigint, { sized = false, global = false } = {}) =>
  [8n | (BigInt(sourceId) << 16n) | (pasid << 32n), address | (sized ? 0x800n : 0n) | (global ? 1n : 0n)] as const;
export const response = (code: bigint, group: bigint, pasid?: bigint) =>
  [
    9n | (pasid === undefined ? 0n : 0x10n) | (code << 12n) | (BigInt(sourceId) << 16n) | ((pasid ?? 0n) << 32n),
    group << 3n,
  ] as const;
