/**
 * A literal model of interrupt remapping and posting, in BigInt, written from the rules alone; comments name the places in
 * which a restatement of VT-d rev. 5.10 has them.
 *
 * | Restatement | VT-d rev. 5.10 |
 * |---|---|
 * | interrupts.md §2 formats | §5.1.2, §5.1.3 |
 * | interrupts.md §3 decisions | §5.1.4, §5.1.4.1, §5.2.3 |
 * | interrupts.md §4 source validation | §9.9, §9.10 |
 * | interrupts.md §5 remapped delivery | §5.1.4, §9.9 |
 * | interrupts.md §6 posted delivery | §5.2.2 to §5.2.4, §9.11 |
 * | tables.md §11 to §13, §16 layouts, reserved masks | §9.9 to §9.11 |
 * | faults.md §7 qualified conditions | §5.1.4.1 |
 */
import { bits, mask } from './structures.js';
import type { ReferenceMemory } from './types.js';

/** What the registers and capabilities of a unit say; values that SIRTP latches are the latched ones. */
export interface ReferenceInterruptUnit {
  haw: number;
  /** CAP.PI, ECAP.EIMER, ECAP.IRREQ. */
  pi: boolean;
  eimer: boolean;
  irreq: boolean;
  /** GSTS.IRES and CFIS. */
  ires: boolean;
  cfis: boolean;
  /** Latched IRTA: EIME, the table's address, and S. */
  eime: boolean;
  table: bigint;
  size: number;
}

interface ReferenceInterruptRequest {
  sourceId: number;
  address: bigint;
  data: bigint;
}

/** Address and data of a message, as a dword write to a 64-bit address. */
interface ReferenceMessage {
  address: bigint;
  data: bigint;
}

export type ReferenceInterrupt =
  | ({ kind: 'pass' | 'message' } & ReferenceMessage)
  | {
      kind: 'posted';
      descriptor: bigint;
      /** The 64-bit words of the descriptor afterwards. */
      words: bigint[];
      vector: number;
      notification: ReferenceMessage | undefined;
    }
  | { kind: 'fault'; code: number; index: number | undefined; logged: boolean };

export function referenceInterrupt(
  unit: ReferenceInterruptUnit,
  memory: ReferenceMemory,
  request: ReferenceInterruptRequest,
): ReferenceInterrupt {
  const { address, data } = request;
  const unqualified = (code: number, at?: number): ReferenceInterrupt => ({
    kind: 'fault',
    code,
    index: at,
    logged: true,
  });
  const pass: ReferenceInterrupt = { kind: 'pass', address: address & ~3n, data };

  // interrupts.md §3, rows 1 to 3
  if (!unit.ires) return unit.irreq ? unqualified(0x2b) : pass;
  if (unit.eimer && !unit.eime) return unqualified(0x2a);
  if (bits(address, 4, 4) === 0n) return unit.eime || !unit.cfis ? unqualified(0x25) : pass;

  // row 4, §2 "31:16 SHV=1: must be 0"
  const shv = bits(address, 3, 3) === 1n;
  if (shv && bits(data, 31, 16) !== 0n) return unqualified(0x20);

  // row 5, §2 "index = handle + (SHV ? subhandle : 0)"
  const handle = (bits(address, 2, 2) << 15n) + bits(address, 19, 5);
  const index = Number(handle + (shv ? bits(data, 15, 0) : 0n));
  if (index >= 2 ** (unit.size + 1)) return unqualified(0x21, index % 0x1_0000);
  const place = unit.table + 16n * BigInt(index);
  if (place >= 1n << BigInt(unit.haw)) return unqualified(0x21, index);

  // rows 6 and 7
  const low = memory(place);
  const high = memory(place + 8n);
  if (low === undefined || high === undefined) return unqualified(0x23, index);
  const logged = bits(low, 1, 1) === 0n;
  const qualified = (code: number): ReferenceInterrupt => ({ kind: 'fault', code, index, logged });
  if (bits(low, 0, 0) === 0n) return qualified(0x22);

  // rows 8 and 9
  if (!sourceMatches(high, request.sourceId)) return qualified(0x26);
  if (isWrong(unit, low, high)) return qualified(0x24);
  if (bits(low, 15, 15) === 0n) {
    const destination = unit.eime ? bits(low, 63, 32) : bits(low, 47, 40);
    const form = (bits(low, 3, 3) << 3n) | (bits(low, 2, 2) << 2n);
    const sent = bits(low, 23, 16) | (bits(low, 7, 5) << 8n) | (1n << 14n) | (bits(low, 4, 4) << 15n);
    return { kind: 'message', address: messageAddress(destination) | form, data: sent };
  }
  return post(unit, memory, low, high, qualified);
}

/** interrupts.md §4. */
function sourceMatches(high: bigint, sourceId: number): boolean {
  const sid = bits(high, 15, 0);
  const requester = BigInt(sourceId);
  switch (bits(high, 19, 18)) {
    case 1n: {
      const ignored = [0n, 0b100n, 0b110n, 0b111n][Number(bits(high, 17, 16))] as bigint;
      return (sid | ignored) === (requester | ignored);
    }
    case 2n:
      return bits(sid, 15, 8) <= requester >> 8n && requester >> 8n <= bits(sid, 7, 0);
    default:
      return true;
  }
}

/** tables.md §11, §12 and §16; SVT=3 and the delivery modes 3 and 6 are invalid programming. */
function isWrong(unit: ReferenceInterruptUnit, low: bigint, high: bigint): boolean {
  if (bits(high, 19, 18) === 3n) return true;
  if (bits(low, 15, 15) === 1n) {
    if (!unit.pi) return true;
    const reserved = mask(7, 2) | mask(13, 12) | mask(37, 24);
    return (low & reserved) !== 0n || (high & (mask(31, 20) | mask(63, unit.haw))) !== 0n;
  }
  const reserved = mask(14, 12) | mask(31, 24) | (unit.eime ? 0n : mask(39, 32) | mask(63, 48));
  const mode = bits(low, 7, 5);
  return (low & reserved) !== 0n || (high & mask(63, 20)) !== 0n || mode === 3n || mode === 6n;
}

/** interrupts.md §6. */
function post(
  unit: ReferenceInterruptUnit,
  memory: ReferenceMemory,
  low: bigint,
  high: bigint,
  fault: (code: number) => ReferenceInterrupt,
): ReferenceInterrupt {
  const descriptor = (bits(high, 63, 32) << 32n) | (bits(low, 63, 38) << 6n);
  const words: bigint[] = [];
  for (let word = 0n; word < 8n; word++) {
    const value = memory(descriptor + 8n * word);
    if (value === undefined) return fault(0x27);
    words.push(value);
  }
  // tables.md §13: bits 271:258, 287:280, NDST, 511:320
  const control = words[4];
  const reserved = mask(15, 2) | mask(31, 24) | (unit.eime ? 0n : mask(39, 32) | mask(63, 48));
  if ((control & reserved) !== 0n || words[5] !== 0n || words[6] !== 0n || words[7] !== 0n) return fault(0x28);
  const vector = Number(bits(low, 23, 16));
  const urgent = bits(low, 14, 14) === 1n;
  const [on, sn] = [bits(control, 0, 0), bits(control, 1, 1)];
  const notifies = on === 0n && (urgent || sn === 0n);
  words[Math.floor(vector / 64)] |= 1n << BigInt(vector % 64);
  if (notifies) words[4] |= 1n;
  const destination = unit.eime ? bits(control, 63, 32) : bits(control, 47, 40);
  const message = { address: messageAddress(destination), data: bits(control, 23, 16) | (1n << 14n) };
  return { kind: 'posted', descriptor, words, vector, notification: notifies ? message : undefined };
}

/** interrupts.md §5: bits 7:0 of the destination in 19:12, bits 31:8 in 63:40. */
function messageAddress(destination: bigint): bigint {
  return ((destination >> 8n) << 40n) | 0xfee0_0000n | (bits(destination, 7, 0) << 12n);
}
