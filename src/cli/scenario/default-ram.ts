import { GuestMemory } from '../../index.js';

/** The default machine: 16 MiB, with a hole where a PC has its ROMs and VGA. */
const RANGES = [
  { base: 0, length: 0xa_0000 },
  { base: 0x10_0000, length: 0xf0_0000 },
] as const;

const PAGE_BYTES = 4096;

/**
 * The RAM of all machines, one after the other: to allocate it takes longer than most scenarios do. Every write into it
 * is told of, so that the next machine finds zeros at the cost of what the last one wrote.
 */
const ram = new Uint8Array(16 * 2 ** 20);
const isWritten = new Uint8Array(ram.length / PAGE_BYTES);

/** Guest memory with the default RAM, all of it zero. The memory that was given out before must not be used any more. */
export function defaultRam(): GuestMemory {
  for (let page = isWritten.indexOf(1); page >= 0; page = isWritten.indexOf(1, page)) {
    ram.fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    isWritten[page] = 0;
  }
  const written = (address: number, length: number) => {
    isWritten.fill(1, Math.floor(address / PAGE_BYTES), Math.floor((address + length - 1) / PAGE_BYTES) + 1);
  };
  const memory = new GuestMemory();
  for (const { base, length } of RANGES) memory.attach(base, ram.subarray(base, base + length), { written });
  return memory;
}
