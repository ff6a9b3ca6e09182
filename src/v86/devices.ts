import type { IommuMemoryRegion } from '../notifier/region.js';
import { deviceCpu, ideCpu } from './device-cpu.js';
import { type V86Cpu, type V86Virtio, VIRTIO_DEVICES } from './emulator.js';

/** A device of the machine that does DMA. */
export interface V86Device {
  /** v86's name of it: `ide`, `dma` (the ISA DMA controller), `virtio_console` and so on. */
  readonly name: string;
  /** Its requester id: bus in bits 15:8, device in 7:3, function in 2:0. */
  readonly sourceId: number;
  /** The address space that it sees. */
  readonly region: IommuMemoryRegion;
}

/** VIRTIO_F_ACCESS_PLATFORM, bit 33: the device is behind the platform's IOMMU, and its driver goes by that. */
const ACCESS_PLATFORM = 2;

/**
 * Sends the DMA of v86's devices through regions.
 *
 * @param touched - called before each access
 */
export function routeDevices(
  cpu: V86Cpu,
  regionOf: (sourceId: number) => IommuMemoryRegion,
  touched: () => void,
): V86Device[] {
  const { devices } = cpu;
  const listed = (name: string, sourceId: number): V86Device => ({ name, sourceId, region: regionOf(sourceId) });

  const ide = listed('ide', devices.ide.pci_id);
  const disks = ideCpu(cpu, ide.region, touched);
  for (const channel of [devices.ide.primary, devices.ide.secondary]) {
    for (const drive of [channel?.master, channel?.slave]) if (drive !== undefined) drive.cpu = disks;
  }

  // floppy and sound go by the ISA DMA controller, which is part of the ISA bridge
  const dma = listed('dma', devices.pci.isa_bridge.pci_id);
  devices.dma.cpu = deviceCpu(cpu, dma.region, touched);

  const virtio = VIRTIO_DEVICES.flatMap((name) => {
    const device = devices[name]?.virtio;
    if (device === undefined) return [];
    const entry = listed(name, device.pci_id);
    routeVirtio(device, cpu, deviceCpu(cpu, entry.region, touched));
    return [entry];
  });
  return [ide, dma, ...virtio];
}

/**
 * Offers VIRTIO_F_ACCESS_PLATFORM. While a driver has not accepted it (old drivers, that of the balloon), it gives the
 * device physical addresses, and the device is to use them as such (Virtio 1.2, §6.1).
 */
function routeVirtio(virtio: V86Virtio, direct: V86Cpu, remapped: V86Cpu): void {
  virtio.device_feature[1]! |= ACCESS_PLATFORM;
  virtio.driver_feature[1]! |= ACCESS_PLATFORM;
  const chosen = () => ((virtio.driver_feature[1]! & ACCESS_PLATFORM) !== 0 ? remapped : direct);
  for (const master of [virtio, ...virtio.queues]) {
    Object.defineProperty(master, 'cpu', { get: chosen, configurable: true, enumerable: true });
  }
}
