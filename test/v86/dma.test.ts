import { expect, test } from 'vitest';
import { type Cpu, remappedV86 } from './machine.js';

const READ_DMA = 0xc8;
const WRITE_DMA = 0xca;
const LAST = 0x8000_0000;

/** Just under 4 GiB, where Linux has its IOVAs: v86 passes such addresses as negative numbers. */
const TABLE = 0xffff_e000;
const DATA = 0xffff_c000;

/** Lets the bus-master IDE transfer two sectors at LBA 3, as a driver does. */
function transfer({ io }: Cpu, command: number, table: number): void {
  const registers = [2, 3, 0, 0, 0xe0, command];
  registers.forEach((value, at) => void io.port_write8(0x1f2 + at, value));
  io.port_write32(0xb404, table | 0);
  io.port_write8(0xb400, 1);
  io.port_write8(0xb400, 0);
}

const pattern = (seed: number) => Uint8Array.from({ length: 1024 }, (_, at) => (at * seed) >> 3);

/** Two descriptors, of 1024 bytes that cross from one page into another, whose host pages do not follow each other. */
async function machineWithBuffers() {
  const machine = await remappedV86();
  const { unit, map } = machine;
  map(TABLE, 0x40_0000);
  map(DATA, 0x50_0000);
  map(DATA + 0x1000, 0x60_0000);
  const descriptor = (at: number, address: number, flags: number) => {
    unit.memory.write32(0x40_0000 + at, address);
    unit.memory.write32(0x40_0004 + at, flags);
  };
  descriptor(0, DATA + 0xe00, 512);
  descriptor(8, DATA + 0x1000, (LAST | 512) >>> 0);
  return machine;
}

test('the disk is written from the pages that its IOVAs name, also above 2 GiB (signed in v86)', async () => {
  const { cpu, disk, unit } = await machineWithBuffers();
  const data = pattern(5);
  unit.memory.write(0x50_0e00, data, 0, 512);
  unit.memory.write(0x60_0000, data, 512, 512);
  transfer(cpu, WRITE_DMA, TABLE);
  expect(disk.subarray(3 * 512, 5 * 512)).toEqual(data);
  expect(unit.statistics.faults).toBe(0);
});

test('the disk is read into the pages that its IOVAs name, and code compiled from them is dropped', async () => {
  const { cpu, disk, unit } = await machineWithBuffers();
  disk.set(pattern(7), 3 * 512);
  const dropped: [number, number][] = [];
  const drop = cpu.jit_dirty_cache;
  cpu.jit_dirty_cache = (first, end) => {
    dropped.push([first, end]);
    drop.call(cpu, first, end);
  };
  transfer(cpu, READ_DMA, TABLE);
  const read = new Uint8Array(1024);
  unit.memory.read(0x50_0e00, read, 0, 512);
  unit.memory.read(0x60_0000, read, 512, 512);
  expect(read).toEqual(pattern(7));
  expect(dropped).toEqual([
    [0x50_0e00, 0x50_1000],
    [0x60_0000, 0x60_0200],
  ]);
});

test.each([WRITE_DMA, READ_DMA])(
  'a descriptor that cannot be fetched ends the transfer: command %i',
  async (command) => {
    const { cpu, disk, unit } = await machineWithBuffers();
    disk.fill(1);
    const ram = cpu.mem8.subarray().slice();
    const faults: string[] = [];
    unit.on('fault', ({ address }) => faults.push(address.toString(16)));
    transfer(cpu, command, 0xffff_8000);
    expect(faults).toEqual(['ffff8000']);
    expect(Buffer.compare(cpu.mem8.subarray(), ram)).toBe(0);
    // and the drive is ready for the next command
    transfer(cpu, READ_DMA, TABLE);
    expect(unit.memory.read32(0x60_0000)).toBe(command === READ_DMA ? 0x0101_0101 : 0);
  },
);

test('a virtio device reaches memory by its region once its driver has accepted VIRTIO_F_ACCESS_PLATFORM', async () => {
  const { cpu, unit, map } = await remappedV86();
  const { virtio } = cpu.devices.virtio_console!;
  const [queue] = virtio.queues;
  map(DATA, 0x50_0000);
  unit.memory.write32(0x50_0000, 0x1111_1111);
  unit.memory.write32(0x70_0000, 0x2222_2222);
  // the driver has not: it gives physical addresses
  virtio.driver_feature[1] = 1;
  expect([queue!.cpu.read32s(0x70_0000), unit.statistics.translations]).toEqual([0x2222_2222, 0]);
  virtio.driver_feature[1] = 3;
  expect([queue!.cpu.read16(DATA | 0), unit.statistics.translations]).toEqual([0x1111, 1]);
  expect(queue!.cpu.read32s(0x70_0000)).toBe(0);
  expect(virtio.device_feature[1]! & 2).toBe(2);
});

test('every way of v86 to reach memory is a translated one', async () => {
  const { cpu, unit, map } = await remappedV86();
  map(DATA, 0x50_0000);
  const device = cpu.devices.dma.cpu;
  device.write32(DATA | 0, -2);
  device.write16((DATA + 4) | 0, 0x1234);
  device.write8((DATA + 6) | 0, 0x56);
  device.write_blob(Uint8Array.of(0x78, 1, 2, 3), (DATA + 7) | 0);
  const bytes = [0xfe, 0xff, 0xff, 0xff, 0x34, 0x12, 0x56, 0x78, 1, 2, 3];
  const host = new Uint8Array(11);
  unit.memory.read(0x50_0000, host);
  expect([...host]).toEqual(bytes);
  expect([device.read32s(DATA | 0), device.read16((DATA + 4) | 0), device.read8((DATA + 6) | 0)]).toEqual([
    -2, 0x1234, 0x56,
  ]);
  expect([...device.read_blob(DATA | 0, 11)]).toEqual(bytes);
  expect([...device.mem8.subarray(DATA | 0, (DATA + 11) | 0)]).toEqual(bytes);
  device.zero_memory(DATA | 0, 3);
  expect(unit.memory.read32(0x50_0000)).toBe(0xff00_0000);
});

test('memory is found again when it has moved, by a device and by whoever uses a region', async () => {
  const { cpu, unit, map, devices } = await remappedV86();
  map(DATA, 0x50_0000);
  unit.memory.write32(0x50_0000, 0x1234_5678);
  cpu.wasm_memory.grow(1);
  expect(cpu.devices.dma.cpu.read32s(DATA | 0)).toBe(0x1234_5678);
  cpu.wasm_memory.grow(1);
  cpu.main_loop();
  expect(devices[0]!.region.read32(DATA)).toBe(0x1234_5678);
});
