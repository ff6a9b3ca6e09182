import type { Capabilities } from '../regs/capabilities.js';
import type { DeviceLinks } from './device-links.js';
import type { ResponseCode } from './page-request.js';

const WHOLE_SPACE = 64;
const RESPONSE_CODES: Readonly<Record<number, ResponseCode>> = {
  0: 'success',
  1: 'invalid-request',
  15: 'response-failure',
};

/** The descriptors that are messages to devices: device-TLB invalidations and page group responses. */
export class DeviceDescriptors {
  readonly #links: DeviceLinks;
  readonly #hasFunctions: boolean;

  constructor(links: DeviceLinks, capabilities: Capabilities) {
    this.#links = links;
    this.#hasFunctions = capabilities.has('ECAP.DIT');
  }

  /** Device-TLB invalidation (§6.5.2.5). @returns whether it could be sent */
  invalidate([first = 0, second = 0, lo = 0, hi = 0]: Int32Array): boolean {
    const sourceId = second & 0xffff;
    return this.#send(sourceId, undefined, false, hi, lo, (lo & 1) !== 0, (first >>> 16) & 0x1f, first, second);
  }

  /** PASID device-TLB invalidation (§6.5.2.6). @returns whether it could be sent */
  invalidatePasid([first = 0, second = 0, lo = 0, hi = 0]: Int32Array): boolean {
    const sourceId = first >>> 16;
    const isSized = (lo & 0x800) !== 0;
    const pasid = second & 0xf_ffff;
    return this.#send(sourceId, pasid, (lo & 1) !== 0, hi, lo, isSized, (first >>> 4) & 0x1f, first, second);
  }

  /** Page group response (§7.6.1). @returns whether its response code is one */
  respond([first = 0, second = 0, third = 0]: Int32Array): boolean {
    const code = RESPONSE_CODES[(first >>> 12) & 0xf];
    if (code === undefined) return false;
    const pasid = (first & 0x10) === 0 ? undefined : second & 0xf_ffff;
    this.#links.respond({ sourceId: first >>> 16, pasid, group: (third >>> 3) & 0x1ff, code });
    return true;
  }

  #send(
    sourceId: number,
    pasid: number | undefined,
    global: boolean,
    hi: number,
    lo: number,
    isSized: boolean,
    most: number,
    first: number,
    second: number,
  ): boolean {
    const bits = isSized ? sizeBits(hi, lo) : 12;
    const size = 1n << BigInt(bits);
    const named = (BigInt(hi >>> 0) << 32n) | BigInt((lo & ~0xfff) >>> 0);
    // throttling goes by the physical function, if software names it (§4.3)
    const counted = this.#hasFunctions ? ((first >>> 12) & 0xf) | ((second >>> 20) << 4) : sourceId;
    const address = named & ~(size - 1n);
    return this.#links.invalidate({ sourceId, pasid, global, address, size }, counted, most === 0 ? 32 : most);
  }
}

/** With S the lowest address bit that is 0 gives the size; without any, or with bit 63 alone, it is everything. */
function sizeBits(hi: number, lo: number): number {
  for (let bit = 12; bit < 63; bit++) {
    if (((bit < 32 ? lo >>> bit : hi >>> (bit - 32)) & 1) === 0) return bit + 1;
  }
  return WHOLE_SPACE;
}
