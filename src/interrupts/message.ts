/**
 * A message to the interrupt controllers, in both forms in which an APIC may take it: as the dword write that it is on
 * the bus, and taken apart (§5.1.2, §5.1.6).
 */
export interface InterruptMessage {
  /** Low and high 32 bits of the address; bits 31:8 of the high word are those of an x2APIC destination. */
  readonly address: number;
  readonly upperAddress: number;
  readonly data: number;
  /** APIC id, or a logical destination: 8 bits in xAPIC mode, 32 in x2APIC mode. */
  readonly destination: number;
  /** Destination mode: the destination is a logical one. */
  readonly logical: boolean;
  /** The message goes to one processor of those that the destination names. */
  readonly redirectionHint: boolean;
  /** 0 fixed, 1 lowest priority, 2 SMI, 4 NMI, 5 INIT, 7 ExtINT. */
  readonly deliveryMode: number;
  readonly vector: number;
  /** Trigger mode: level, not edge. Fixed and lowest-priority messages alone can be. */
  readonly levelTriggered: boolean;
  /** Level: an edge-triggered message arises whatever it says. */
  readonly asserted: boolean;
}

/** The address of a message: bits 31:20 name the range, bits 7:0 of the destination follow (§5.1.2). */
const RANGE = 0xfee0_0000;
const REDIRECTION_HINT = 1 << 3;
const LOGICAL = 1 << 2;

/** In the data of a message. */
export const ASSERTED = 1 << 14;
export const LEVEL_TRIGGERED = 1 << 15;

/** Low and high word of the address of a message; hint and destination mode stand in bits 3 and 2 of `mode`. */
export function messageAddress(destination: number, mode: number): number {
  return RANGE | ((destination & 0xff) << 12) | (mode & (REDIRECTION_HINT | LOGICAL));
}

export function messageUpperAddress(destination: number): number {
  return destination & ~0xff;
}

/** Takes a message apart. */
export function interruptMessage(address: number, upperAddress: number, data: number): InterruptMessage {
  const deliveryMode = (data >>> 8) & 7;
  return {
    address: address >>> 0,
    upperAddress: upperAddress >>> 0,
    data: data >>> 0,
    destination: ((upperAddress & ~0xff) | ((address >>> 12) & 0xff)) >>> 0,
    logical: (address & LOGICAL) !== 0,
    redirectionHint: (address & REDIRECTION_HINT) !== 0,
    deliveryMode,
    vector: data & 0xff,
    // SMI, NMI, INIT and ExtINT are edge-triggered, whatever the bit says (§9.9)
    levelTriggered: deliveryMode < 2 && (data & LEVEL_TRIGGERED) !== 0,
    asserted: (data & ASSERTED) !== 0,
  };
}
