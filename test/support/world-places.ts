import fc from 'fast-check';
import type { Layout } from './driver.js';
import { hex } from './scenario.js';

/** An input address, told by what it lies near to. */
export interface IovaPlace {
  readonly near: 'low' | 'interrupts' | 'top' | 'gigabyte' | 'anywhere';
  readonly page: number;
}

/** A host address, told by what it lies near to. */
export interface TargetPlace {
  readonly near: 'data' | 'high' | 'tables' | 'interrupts' | 'hole' | 'top' | 'anywhere';
  readonly page: number;
}

const somewhere = fc.oneof(
  { weight: 3, arbitrary: fc.nat(7) },
  { weight: 2, arbitrary: fc.constantFrom(0xfe, 0xff, 0x100, 0x101, 0x1fe, 0x1ff, 0x200, 0x201) },
  { weight: 2, arbitrary: fc.nat(2 ** 31 - 1) },
);

export const iovaPlace: fc.Arbitrary<IovaPlace> = fc.record({
  near: fc.constantFrom('low', 'interrupts', 'top', 'gigabyte', 'anywhere'),
  page: somewhere,
});

export const targetPlace: fc.Arbitrary<TargetPlace> = fc.record({
  near: fc.constantFrom('data', 'data', 'high', 'tables', 'interrupts', 'hole', 'top', 'anywhere'),
  page: somewhere,
});

/** Bytes of a page of a level: 4 KiB, 2 MiB, 1 GiB. */
export function pageBytes(level: number): bigint {
  return 1n << BigInt(3 + 9 * level);
}

/** Spreads a page number over all address bits. */
function spread(page: number): bigint {
  return (BigInt(page) * 0x9e37_79b9_7f4a_7c15n) & (2n ** 64n - 4096n);
}

/** The first address of a page of `level` near the place, below 2^`bits`. */
export function iovaAt({ near, page }: IovaPlace, level: number, bits: number): bigint {
  const size = pageBytes(level);
  const number = BigInt(page);
  let iova: bigint;
  if (near === 'low') iova = (number % 1024n) * size;
  // pages of any size right before, in and right behind 0xFEE00000 to 0xFEEFFFFF
  else if (near === 'interrupts') iova = 0xfedf_e000n + (number % 0x104n) * 4096n;
  else if (near === 'top') iova = (1n << BigInt(bits)) - size * (1n + (number % 8n));
  else if (near === 'gigabyte') iova = (1n + (number % 4n)) * 0x4000_0000n - 4096n * (number % 3n);
  else iova = spread(page);
  return iova & ((1n << BigInt(bits)) - 1n) & ~(size - 1n);
}

/** Where memory is, and what of it holds tables. */
export interface Geography extends Layout {
  readonly haw: number;
}

const TABLES = 112;

/** What RAM a machine has; the tables stand low, in a range without a view, or at the top of the host address space. */
export const LAYOUTS = ['low', 'handler', 'top'] as const;

export function geography(layout: (typeof LAYOUTS)[number], haw: number): Geography {
  const base = layout === 'top' ? 2 ** haw - 2 ** 22 : 0x10_0000;
  const bytes = layout === 'handler' ? 0x40_0000 : 0x8_0000;
  const ram = [
    [hex(base), hex(bytes)],
    [hex(0x80_0000), hex(0x20_0000)],
    [hex(2 ** (haw - 1)), hex(0x3fc0_0000)],
    // memory around and behind the interrupt range, as flat memory of several GiB has it
    ...(layout === 'handler' ? ([[hex(0xfe00_0000), hex(0x180_0000)]] as const) : []),
  ] as const;
  return { ram, firstTable: base / 4096, tables: TABLES, haw };
}

/** The host address of a page of `level` near the place. */
export function targetAt({ near, page }: TargetPlace, level: number, { firstTable, haw }: Geography): bigint {
  const size = pageBytes(level);
  const number = BigInt(page);
  let address: bigint;
  if (near === 'data') address = 0x80_0000n + (number % 512n) * 4096n;
  else if (near === 'high') address = 2n ** BigInt(haw - 1) + (number % 0x3fc00n) * 4096n;
  else if (near === 'tables') address = (BigInt(firstTable) + (number % BigInt(TABLES))) * 4096n;
  else if (near === 'interrupts') address = 0xfedf_e000n + (number % 0x104n) * 4096n;
  else if (near === 'hole') address = 0x4000_0000n + (number % 512n) * 4096n;
  else if (near === 'top') address = (1n << BigInt(haw)) - size * (1n + (number % 8n));
  else address = spread(page);
  return address & ((1n << BigInt(haw)) - 1n) & ~(size - 1n);
}
