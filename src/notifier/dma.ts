import { type GuestMemory, PAGE_BYTES } from '../memory/guest-memory.js';
import { inInterruptRange } from '../walk/address-ranges.js';

/** A region, as far as DMA needs it. */
interface Translating {
  readonly pasid: number | undefined;
  addressHi: number;
  addressLo: number;
  translateHalves(hi: number, lo: number, access: number, translated: boolean): boolean;
}

/** Takes a dword that goes to 0xFEEx_xxxx; answers whether it was not blocked. */
type Interrupt = (address: number, data: number) => boolean;

/** Moves bytes between a buffer and host memory; answers how many could be moved. */
type Transfer = (address: number, at: number, length: number) => number;

/** Where a transfer begins, and what its requests are. */
export interface DmaRequest {
  readonly hi: number;
  readonly lo: number;
  /** The rights that it asks for. */
  readonly access: number;
  readonly translated: boolean;
}

export function read(region: Translating, memory: GuestMemory, request: DmaRequest, target: Uint8Array): number {
  const transfer: Transfer = (address, at, length) => memory.read(address, target, at, length);
  const blocked = (at: number, length: number) => target.fill(0, at, at + length);
  return eachPage(region, request, target.length, transfer, blocked, undefined);
}

export function write(
  region: Translating,
  memory: GuestMemory,
  request: DmaRequest,
  source: Uint8Array,
  interrupt: Interrupt,
): number {
  const transfer: Transfer = (address, at, length) => memory.write(address, source, at, length);
  const mayInterrupt = region.pasid === undefined && !request.translated;
  const intercept = (pieceHi: number, pieceLo: number, at: number, length: number): boolean | undefined => {
    // an interrupt request is an aligned dword (§3.15, §5.1); what crosses a page is several requests
    if (!mayInterrupt || length !== 4 || (pieceLo & 3) !== 0 || !inInterruptRange(pieceHi, pieceLo)) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = source.subarray(at, at + 4);
    return interrupt(pieceLo, a | (b << 8) | (c << 16) | (d << 24));
  };
  return eachPage(region, request, source.length, transfer, () => undefined, intercept);
}

/**
 * Splits a transfer at pages, since no request crosses one (§3.4.1), and joins pages whose frames follow each other
 * into one copy.
 */
function eachPage(
  region: Translating,
  { hi, lo, access, translated }: DmaRequest,
  length: number,
  transfer: Transfer,
  blocked: (at: number, length: number) => void,
  intercept: ((hi: number, lo: number, at: number, length: number) => boolean | undefined) | undefined,
): number {
  let done = 0;
  let high = hi | 0;
  let low = lo | 0;
  // the copy that is being gathered: where it began, and which address would continue it
  let copyHi = 0;
  let copyLo = 0;
  let copyAt = 0;
  let copyEnd = 0;
  let nextHi = 0;
  let nextLo = 0;
  for (let at = 0; at < length; ) {
    const count = Math.min(PAGE_BYTES - (low & 0xfff), length - at) | 0;
    const end = (at + count) | 0;
    const taken = intercept?.(high, low, at, count);
    if (taken !== undefined) done += taken ? count : 0;
    else if (region.translateHalves(high, low, access, translated)) {
      const addressLo = region.addressLo | 0;
      const addressHi = region.addressHi | 0;
      if (addressLo !== nextLo || addressHi !== nextHi || at !== copyEnd) {
        done += flush(transfer, copyHi, copyLo, copyAt, copyEnd);
        copyHi = addressHi;
        copyLo = addressLo;
        copyAt = at;
      }
      copyEnd = end;
      nextLo = (addressLo + count) | 0;
      nextHi = nextLo === 0 ? (addressHi + 1) | 0 : addressHi;
    } else blocked(at, count);
    at = end;
    low = (low + count) | 0;
    // a transfer that passes the end of the address space goes on at its beginning
    if (low === 0) high = (high + 1) | 0;
  }
  return done + flush(transfer, copyHi, copyLo, copyAt, copyEnd);
}

function flush(transfer: Transfer, hi: number, lo: number, at: number, end: number): number {
  return end === at ? 0 : transfer(hi * 0x1_0000_0000 + (lo >>> 0), at, end - at);
}

/** An AtomicOp on host memory. */
export function atomic(
  memory: GuestMemory,
  address: number,
  size: 4 | 8,
  update: (old: bigint) => bigint,
): bigint | undefined {
  const low = memory.read32(address);
  const high = size === 8 ? memory.read32(address + 4) : 0;
  if (low === undefined || high === undefined) return undefined;
  const old = (BigInt(high) << 32n) | BigInt(low);
  const fresh = update(old);
  const lowDone = memory.write32(address, Number(fresh & 0xffff_ffffn));
  const highDone = size === 4 || memory.write32(address + 4, Number((fresh >> 32n) & 0xffff_ffffn));
  return lowDone && highDone ? old : undefined;
}
