import { expect, test } from 'vitest';
import { interruptMessage } from '../../src/interrupts/message.js';
import { attachV86 } from '../../src/v86/index.js';
import { type Cpu, loadV86 } from './machine.js';

/** Vectors that are set in a register of v86's local APIC, which begins at a 32-bit word of it. */
function vectors(cpu: Cpu, first: number): number[] {
  const words = new Uint32Array(cpu.wasm_memory.buffer, cpu.get_apic_addr(), 46);
  const all = Array.from({ length: 256 }, (_, vector) => vector);
  return all.filter((vector) => (words[first + (vector >> 5)]! >>> (vector & 31)) & 1);
}

const requested = (cpu: Cpu) => vectors(cpu, 16);
const level = (cpu: Cpu) => vectors(cpu, 32);

/** A machine whose processor's loop is a function of the test. */
async function machine() {
  const { emulator, cpu } = await loadV86();
  let work = () => {};
  cpu.main_loop = () => {
    work();
    return 7;
  };
  const { unit } = attachV86(emulator);
  const run = (inLoop: () => void) => {
    work = inLoop;
    return cpu.main_loop();
  };
  return { cpu, unit, run };
}

/** An edge message, as the unit's registers for its own events say it. */
const message = (data: number) => ({ source: 'fault', ...interruptMessage(0xfee0_0000, 0, data) }) as const;

test("a unit's message that is sent outside of the processor's loop is requested at once (§7.3)", async () => {
  const { cpu, unit } = await machine();
  unit.emit('message', message(0x41));
  expect(requested(cpu)).toEqual([0x41]);
});

test("a unit's message that a register write causes waits until the loop has returned, and wakes the guest", async () => {
  const { cpu, unit, run } = await machine();
  expect(run(() => {})).toBe(7);
  const wait = run(() => {
    unit.emit('message', message(0x41));
    unit.emit('message', message(0xe2));
    expect(requested(cpu)).toEqual([]);
  });
  expect(wait).toBe(0);
  expect(requested(cpu)).toEqual([0x41, 0xe2]);
  expect(run(() => {})).toBe(7);
});

test("a device's interrupt request gets there too, as an edge", async () => {
  const { cpu, unit } = await machine();
  new Uint32Array(cpu.wasm_memory.buffer, cpu.get_apic_addr(), 46)[32 + 2] = 0b11;
  expect(level(cpu)).toEqual([0x40, 0x41]);
  unit.region(0x00f0).write32(0xfee0_0000, 0x41);
  expect(requested(cpu)).toEqual([0x41]);
  expect(level(cpu)).toEqual([0x40]);
});

test('messages that v86 cannot take are dropped: NMI, INIT, illegal vectors', async () => {
  const { cpu, unit } = await machine();
  for (const data of [0x441, 0x541, 0x00f]) unit.region(0x00f0).write32(0xfee0_0000, data);
  expect(requested(cpu)).toEqual([]);
  unit.region(0x00f0).write32(0xfee0_0000, 0x141);
  expect(requested(cpu)).toEqual([0x41]);
});

test('after an error in the loop messages are delivered again', async () => {
  const { cpu, unit, run } = await machine();
  const failing = () => {
    throw new Error('in the loop');
  };
  expect(() => run(failing)).toThrow('in the loop');
  unit.emit('message', message(0x41));
  expect(requested(cpu)).toEqual([0x41]);
});
