import { type FaultEvent, GuestMemory, IntelIommu, type InterruptEvent, type PostedEvent } from '../../src/index.js';
import type { ReferenceInterruptUnit } from '../reference/index.js';

export const TABLE = 0x2_0000;
export const DESCRIPTOR = 0x4_0000;
export const DEVICE = 0x0010;
const QUEUE = 0x6_0000;

const SIRTP = 1 << 24;
const IRE = 1 << 25;
const QIE = 1 << 26;
const CFI = 1 << 23;

/** What an interrupt-remapping table entry is made of; fields left out are 0 (§9.9, §9.10). */
export interface EntryFields {
  readonly present?: boolean;
  readonly faultsDisabled?: boolean;
  readonly vector?: number;
  readonly deliveryMode?: number;
  readonly logical?: boolean;
  readonly hint?: boolean;
  readonly level?: boolean;
  readonly destination?: number;
  readonly sid?: number;
  readonly sq?: number;
  readonly svt?: number;
}

export interface MachineOptions {
  readonly capabilities?: Readonly<Record<string, number>>;
  readonly haw?: number;
  readonly caches?: 'none' | 'default' | 'hold';
  /** IRTA. */
  readonly extended?: boolean;
  readonly size?: number;
  readonly table?: number;
  readonly compatibility?: boolean;
  /** GCMD.IRE; default on. */
  readonly remapping?: boolean;
}

/** A unit that remaps interrupts by the table at {@link TABLE}, and what it has told. */
export class InterruptMachine {
  readonly memory = GuestMemory.ram(0x10_0000);
  readonly unit: IntelIommu;
  readonly reference: ReferenceInterruptUnit;
  readonly interrupts: InterruptEvent[] = [];
  readonly posted: PostedEvent[] = [];
  readonly faults: FaultEvent[] = [];
  #tail = 0;
  #levels = 0;

  constructor({
    capabilities = {},
    haw = 40,
    caches = 'default',
    extended = false,
    size = 7,
    table = TABLE,
    compatibility = false,
    remapping = true,
  }: MachineOptions = {}) {
    const { memory } = this;
    this.unit = new IntelIommu({ memory, preset: 'everything', hostAddressWidth: haw, capabilities, caches });
    this.unit.on('interrupt', (event) => this.interrupts.push(event));
    this.unit.on('posted', (event) => this.posted.push(event));
    this.unit.on('fault', (event) => this.faults.push(event));
    this.setTable(table, size, extended);
    this.command(CFI, compatibility);
    this.command(IRE, remapping);
    const has = (name: 'CAP.PI' | 'ECAP.EIMER' | 'ECAP.IRREQ') => this.unit.capabilities.has(name);
    this.reference = {
      haw,
      pi: has('CAP.PI'),
      eimer: has('ECAP.EIMER'),
      irreq: has('ECAP.IRREQ'),
      ires: remapping,
      cfis: compatibility,
      eime: extended,
      table: BigInt(table),
      size,
    };
  }

  setTable(table: number, size: number, extended: boolean): void {
    this.unit.write64(0xb8, BigInt(table) | (extended ? 0x800n : 0n) | BigInt(size));
    this.unit.write32(0x18, this.#levels | SIRTP);
  }

  command(bit: number, on: boolean): void {
    this.#levels = on ? this.#levels | bit : this.#levels & ~bit;
    this.unit.write32(0x18, this.#levels);
  }

  remap(on: boolean): void {
    this.command(IRE, on);
  }

  /** Reads 64 bits as the reference model does. */
  readonly read64 = (address: bigint): bigint | undefined => {
    const low = this.memory.read32(Number(address));
    const high = this.memory.read32(Number(address) + 4);
    return low === undefined || high === undefined ? undefined : (BigInt(high) << 32n) | BigInt(low);
  };

  setWord(address: number, word: bigint): void {
    this.memory.write32(address, Number(word & 0xffff_ffffn));
    this.memory.write32(address + 4, Number(word >> 32n));
  }

  setEntry(index: number, lo: bigint, hi: bigint): void {
    this.setWord(TABLE + 16 * index, lo);
    this.setWord(TABLE + 16 * index + 8, hi);
  }

  /** An entry that remaps; every device may use it unless the fields say otherwise. */
  remapped(index: number, fields: EntryFields = {}): void {
    const { vector = 0x40, deliveryMode = 0, destination = 0 } = fields;
    const flags = flag(fields.logical, 2) | flag(fields.hint, 3) | flag(fields.level, 4);
    const lo = common(fields) | flags | (BigInt(deliveryMode) << 5n) | (BigInt(vector) << 16n);
    this.setEntry(index, lo | (BigInt(destination) << 32n), source(fields));
  }

  /** An entry that posts into the descriptor at an address. */
  postedEntry(index: number, fields: EntryFields & { readonly urgent?: boolean }, descriptor = DESCRIPTOR): void {
    const lo = common(fields) | (1n << 15n) | flag(fields.urgent, 14) | (BigInt(fields.vector ?? 0x40) << 16n);
    const address = BigInt(descriptor);
    const low = ((address >> 6n) & 0x3ff_ffffn) << 38n;
    this.setEntry(index, lo | low, source(fields) | ((address >> 32n) << 32n));
  }

  /** Queues a descriptor of 64 bits, and has it executed. */
  invalidate(word: bigint): void {
    if ((this.#levels & QIE) === 0) {
      this.unit.write64(0x90, BigInt(QUEUE));
      this.command(QIE, true);
    }
    this.setWord(QUEUE + this.#tail, word);
    this.setWord(QUEUE + this.#tail + 8, 0n);
    this.#tail = (this.#tail + 16) % 4096;
    this.unit.write32(0x88, this.#tail);
  }

  /** A request in remappable format for an index. */
  send(index: number, sourceId = DEVICE) {
    return this.unit.interrupt({ sourceId, address: addressOf(index), data: 0 });
  }

  /** What a request for an index becomes, by the fields face: its vector, or the code of its fault. */
  vector(index: number, sourceId = DEVICE): number | string | undefined {
    const { interrupts } = this.unit;
    const verdict = interrupts.remap(sourceId, addressOf(index), 0);
    if (verdict === 'blocked') return interrupts.lastFault?.condition;
    return verdict === 'posted' ? interrupts.postedVector : interrupts.vector;
  }
}

function addressOf(index: number): number {
  return 0xfee0_0010 + ((index & 0x7fff) << 5) + (index >> 15) * 4;
}

function flag(on: boolean | undefined, bit: number): bigint {
  return on === true ? 1n << BigInt(bit) : 0n;
}

function common({ present = true, faultsDisabled }: EntryFields): bigint {
  return flag(present, 0) | flag(faultsDisabled, 1);
}

function source({ sid = 0, sq = 0, svt = 0 }: EntryFields): bigint {
  return BigInt(sid) | (BigInt(sq) << 16n) | (BigInt(svt) << 18n);
}
