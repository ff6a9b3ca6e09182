import { expect, test } from 'vitest';
import { iova, pasid, pgtt, ridPasid, ScalableTables, sourceId, wordOf } from '../reference/scalable-tables.js';
import { Queue } from '../unit/unit.js';
import { AtsMachine, PAGE_QUEUE, response } from './machine.js';

const PQH = 0xc0;
const PQT = 0xc8;
const PRS = 0xdc;
const BYTES = 4096;
/** So many descriptors fit: the head is put so that a small queue remains of the 128. */
const ROOM = 2;

type Step = 'request' | 'bad request' | 'part of a group' | 'software' | 'clear PRO' | 'stop marker';
const STEPS: readonly Step[] = ['request', 'bad request', 'part of a group', 'software', 'clear PRO', 'stop marker'];

/** A device, a unit and a handler of page requests that answers each group that it finds in the queue. */
class Round {
  readonly machine = new AtsMachine(new ScalableTables(pgtt.firstStage).or(wordOf.context, 0x10n), { caches: 'none' });
  readonly device = this.machine.attach();
  readonly queue = new Queue(this.machine.unit, this.machine.memory, true);
  /** Where the handler goes on reading. */
  #head = 0;
  #group = 0;
  /** Groups that ask for an answer. */
  #asked: number[] = [];
  /** A descriptor was put where software has not read yet. */
  #isOverrun = false;

  constructor() {
    this.#makeRoom();
  }

  /** Takes the steps, lets the handler see to the rest, and answers whether each group got one answer. */
  play(steps: readonly Step[]): boolean {
    this.#group = 0;
    this.#asked = [];
    this.device.responses.length = 0;
    for (const step of steps) this.do(step);
    this.#handle();
    this.machine.unit.write32(PRS, 2);
    if (this.#isOverrun) return false;
    return String(this.device.responses.map(({ group }) => group).sort()) === String(this.#asked);
  }

  do(step: Step): void {
    const { unit } = this.machine;
    const group = this.#group;
    const request = { sourceId, pasid, address: iova, read: true, group, lastInGroup: true };
    if (step === 'software') this.#handle();
    else if (step === 'clear PRO') unit.write32(PRS, 2);
    else {
      this.#group++;
      if (step === 'request' || step === 'bad request') this.#asked.push(group);
      unit.pageRequest({
        ...request,
        ...(step === 'bad request' ? { pasid: ridPasid } : {}),
        ...(step === 'part of a group' ? { lastInGroup: false } : {}),
        ...(step === 'stop marker' ? { read: false } : {}),
      });
      this.#isOverrun ||= (unit.read32(PQT) - this.#head + BYTES) % BYTES > ROOM * 32;
    }
  }

  /** The queue holds {@link ROOM} descriptors beyond what the handler has read. */
  #makeRoom(): void {
    this.machine.unit.write32(PQH, (this.#head + (ROOM + 1) * 32) % BYTES);
  }

  #handle(): void {
    const { unit } = this.machine;
    const tail = unit.read32(PQT);
    for (; this.#head !== tail; this.#head = (this.#head + 32) % BYTES) {
      const high = this.machine.word(PAGE_QUEUE + this.#head + 8);
      const isLast = (high & 4n) !== 0n;
      const wants = (high & 3n) !== 0n;
      if (isLast && wants) this.queue.put(...response(0n, (high >> 3n) & 0x1ffn, BigInt(pasid)));
    }
    this.queue.submit();
    unit.write32(PRS, 1);
    this.#makeRoom();
  }
}

function* sequences(length: number): Generator<Step[]> {
  const count = STEPS.length ** length;
  for (let number = 0; number < count; number++) {
    yield Array.from({ length }, (_, at) => STEPS[Math.floor(number / STEPS.length ** at) % STEPS.length] as Step);
  }
}

test('every group is answered exactly once, in any interleaving of requests, overflow and answers (§7.4.1)', () => {
  const round = new Round();
  const wrong = [...sequences(5)].filter((steps) => !round.play(steps));
  expect(wrong).toEqual([]);
});
