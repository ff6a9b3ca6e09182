import { GuestMemory, type MemoryHandler } from '../../memory/guest-memory.js';
import { SparseMemory } from '../../memory/sparse-memory.js';
import { showRegisters } from '../../regs/register-dump.js';
import { IntelIommu } from '../../unit/intel-iommu.js';
import { hex } from '../format.js';
import { UNDEFINED_PASID } from './divergences.js';
import { type Json, readJsonLines } from './files.js';
import { injectRecord } from './inject-record.js';
import type { ModelledCapture } from './load.js';

/** What the log tells and the model can be compared with. */
type Aspect = 'reads' | 'statuses' | 'messages' | 'interrupts' | 'state';

/** How often the model agreed; `diverging`: QEMU is known to depart from the architecture there. */
export interface Tally {
  equal: number;
  different: number;
  diverging: number;
}

/** Something in which the model and the log do not agree. */
export interface LogRow {
  /** Number of the line in the log, from 1. */
  readonly line: number;
  readonly aspect: Aspect;
  readonly verdict: 'different' | 'diverging';
  /** Which register, or what was written where. */
  readonly what: string;
  readonly log: string;
  readonly model: string;
}

/** A log, played. */
export interface LogResult {
  readonly events: number;
  readonly writes: number;
  readonly descriptors: number;
  /** Interrupts of devices by entries of a table, which the log does not tell of. */
  readonly remapped: number;
  readonly tallies: Readonly<Record<Aspect, Tally>>;
  readonly rows: readonly LogRow[];
}

const GSTS = 0x1c;
const IQH = 0x80;
const IQA = 0x90;
/** GSTS: interrupts are remapped. */
const IRES = 0x0200_0000;

const LOG = 'boot-mmio.jsonl.gz';

/**
 * Plays a driver's register accesses since power-on into a fresh unit, and compares what the driver read, what wait
 * descriptors wrote, the unit's own messages, and the registers at the moment of the capture.
 *
 * @throws InputError if the log is missing or damaged
 */
export function playLog(capture: ModelledCapture): LogResult {
  const events = readJsonLines(capture.directory, LOG);
  const player = new Player(capture);
  for (const [index, event] of events.entries()) player.play(event, index, events);
  player.settle(events.length);
  return { events: events.length, ...player };
}

/** Memory that accepts everything, and remembers what the unit wrote. */
class LogMemory implements MemoryHandler {
  readonly written: string[] = [];
  readonly #memory = new SparseMemory();

  readWord(address: number): number {
    return this.#memory.readWord(address);
  }

  writeWord(address: number, value: number): boolean {
    this.written.push(`${hex(value >>> 0)} at ${hex(address)}`);
    return this.#memory.writeWord(address, value);
  }

  /** Software's side: nothing is remembered. */
  place(address: number, value: bigint): void {
    this.#memory.writeWord(address, Number(BigInt.asIntN(32, value)));
    this.#memory.writeWord(address + 4, Number(BigInt.asIntN(32, value >> 32n)));
  }
}

class Player {
  writes = 0;
  descriptors = 0;
  remapped = 0;
  readonly tallies = { reads: tally(), statuses: tally(), messages: tally(), interrupts: tally(), state: tally() };
  readonly rows: LogRow[] = [];

  readonly #capture: ModelledCapture;
  readonly #memory = new LogMemory();
  readonly #unit: IntelIommu;
  /** Messages that the unit sent, and that the log has not told of yet. */
  readonly #sent: string[] = [];

  constructor(capture: ModelledCapture) {
    this.#capture = capture;
    const memory = new GuestMemory().attachHandler(0, 2 ** 52, this.#memory);
    this.#unit = new IntelIommu({ memory, preset: capture.capabilities });
    this.#unit.on('message', ({ address, data }) => this.#sent.push(messageText(address, data)));
  }

  play(event: Json, index: number, events: readonly Json[]): void {
    const op = event.get('op').text();
    const line = index + 1;
    // what the unit did by then, it did because of the access before
    if (op === 'r' || op === 'w' || op === 'reset') this.settle(line);
    if (op === 'r') this.#read(event, line);
    else if (op === 'w') this.#write(event, descriptorsAfter(events, index));
    else if (op === 'status') this.#status(event, line);
    else if (op === 'irq') this.#message(event, line);
    else if (op === 'frcd')
      injectRecord(this.#unit, event, (address, data) => this.#sent.push(messageText(address, data)));
    else if (op === 'msi') this.#interrupt(event, line);
    else if (op === 'reset') this.#unit.reset();
    else if (op === 'capture') this.#state(line);
    else if (op !== 'desc' && op !== 'fault') throw event.get('op').wrong('one that captures/README.md names');
  }

  /** Nothing more of what the unit did will be told of. */
  settle(line: number): void {
    for (const text of this.#memory.written.splice(0)) this.#compare('statuses', line, 'status write', 'none', text);
    for (const text of this.#sent.splice(0)) this.#compare('messages', line, 'message', 'none', text);
  }

  #read(event: Json, line: number): void {
    const { offset, size, value } = access(event);
    const found = size === 4 ? BigInt(this.#unit.read32(offset)) : this.#unit.read64(offset);
    const diverging = () => UNDEFINED_PASID.matches(this.#unit, offset, size, value, found);
    this.#compare('reads', line, `${size} bytes at ${hex(offset)}`, hex(value), hex(found), diverging);
  }

  #write(event: Json, descriptors: readonly Json[]): void {
    const { offset, size, value } = access(event);
    this.writes++;
    this.descriptors += descriptors.length;
    this.#placeDescriptors(descriptors);
    if (size === 4) this.#unit.write32(offset, Number(value & 0xffff_ffffn));
    else this.#unit.write64(offset, value);
  }

  /** Puts into the queue what the device fetched from there because of the access that follows. */
  #placeDescriptors(descriptors: readonly Json[]): void {
    const queue = this.#unit.read64(IQA);
    const base = Number(queue - (queue % 4096n));
    const bytes = 4096 << Number(queue & 7n);
    const width = (queue & 0x800n) !== 0n ? 32 : 16;
    let at = this.#unit.read32(IQH);
    for (const descriptor of descriptors) {
      this.#memory.place(base + at, descriptor.get('lo').number64());
      this.#memory.place(base + at + 8, descriptor.get('hi').number64());
      at = (at + width) % bytes;
    }
  }

  #status(event: Json, line: number): void {
    const told = `${hex(event.get('data').number64())} at ${hex(event.get('addr').number64())}`;
    this.#compare('statuses', line, 'status write', told, this.#memory.written.shift() ?? 'none');
  }

  #message(event: Json, line: number): void {
    const told = messageText(event.get('addr').number64(), event.get('data').number64());
    this.#compare('messages', line, 'message', told, this.#sent.shift() ?? 'none');
  }

  /** By what entry an interrupt was remapped is not in the log; while remapping is off, it has to pass as it was sent. */
  #interrupt(event: Json, line: number): void {
    if ((this.#unit.read32(GSTS) & IRES) !== 0) {
      this.remapped++;
      return;
    }
    const address = event.get('addr').number64(0xffff_ffffn);
    if (address >> 20n !== 0xfeen) throw event.get('addr').wrong('an address from 0xfee00000 to 0xfeefffff');
    const data = event.get('data').number64(0xffff_ffffn);
    const told = messageText(event.get('toAddr').number64(), event.get('toData').number64());
    const answer = this.#unit.interrupt({ sourceId: 0, address: Number(address), data: Number(data) });
    const found = answer.kind === 'pass' ? messageText(answer.message.address, answer.message.data) : answer.kind;
    this.#compare('interrupts', line, 'interrupt', told, found);
  }

  /** The registers must have come to where they were captured. */
  #state(line: number): void {
    const { registers, capabilities } = this.#capture;
    const captured = showRegisters(registers, capabilities);
    this.#unit.registers.dump().forEach(({ name, offset, bytes, value }, index) => {
      const there = captured[index].value;
      const diverging = () => UNDEFINED_PASID.matches(this.#unit, offset, bytes, there, value);
      this.#compare('state', line, name, hex(there), hex(value), diverging);
    });
  }

  #compare(aspect: Aspect, line: number, what: string, log: string, model: string, diverging = () => false): void {
    const verdict = log === model ? 'equal' : diverging() ? 'diverging' : 'different';
    this.tallies[aspect][verdict]++;
    if (verdict !== 'equal') this.rows.push({ line, aspect, verdict, what, log, model });
  }
}

function tally(): Tally {
  return { equal: 0, different: 0, diverging: 0 };
}

function messageText(address: number | bigint, data: number | bigint): string {
  return `${hex(data)} to ${hex(address)}`;
}

/** The register block of a capture is not longer than this. */
const MOST_OFFSET = 0xffff;

function access(event: Json): { offset: number; size: 4 | 8; value: bigint } {
  const size = event.get('size').whole(8);
  if (size !== 4 && size !== 8) throw event.get('size').wrong('4 or 8');
  const value = event.get('val').number64(2n ** BigInt(8 * size) - 1n);
  return { offset: event.get('off').whole(MOST_OFFSET), size, value };
}

/** The descriptors that the device fetched because of an access: those before the next access. */
function descriptorsAfter(events: readonly Json[], index: number): Json[] {
  const found: Json[] = [];
  for (let at = index + 1; at < events.length; at++) {
    const op = events[at].get('op').text();
    if (op === 'desc') found.push(events[at]);
    else if (op === 'r' || op === 'w' || op === 'reset') break;
  }
  return found;
}
