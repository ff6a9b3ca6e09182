import { createHash } from 'node:crypto';
import { type Fields, hexBytes, hexText, ScenarioError, whole, wide } from './fields.js';
import type { Machine } from './machine.js';
import type { StepTable } from './steps.js';

/** Bytes that are filled or hashed at a time. */
const CHUNK_BYTES = 0x1_0000;

/** Steps in which the scenario itself looks at memory, as a processor would. */
export const MEMORY_STEPS: StepTable = {
  memwrite(machine, step) {
    const bytes = hexBytes(step);
    machine.unit.memory.write(place(step, bytes.length), bytes);
    return {};
  },
  memfill(machine, step) {
    const length = machine.bytes(step, 'len', 0);
    const chunk = new Uint8Array(CHUNK_BYTES).fill(whole(step, 'byte', 0, 0xff, 0));
    eachChunk(step, length, (address, count) => machine.unit.memory.write(address, chunk, 0, count));
    return {};
  },
  memread(machine, step) {
    const bytes = new Uint8Array(machine.bytes(step, 'len', 0));
    machine.unit.memory.read(place(step, bytes.length), bytes);
    return { hex: hexText(bytes) };
  },
  memhash(machine, step) {
    const length = machine.bytes(step, 'len', 0);
    return { sha256: hashMemory(machine, step, length).slice(0, 32) };
  },
};

function hashMemory(machine: Machine, step: Fields, length: number): string {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(CHUNK_BYTES);
  eachChunk(step, length, (address, count) => {
    machine.unit.memory.read(address, chunk, 0, count);
    hash.update(chunk.subarray(0, count));
  });
  return hash.digest('hex');
}

function eachChunk(step: Fields, length: number, visit: (address: number, count: number) => void): void {
  const first = place(step, length);
  for (let at = 0; at < length; at += CHUNK_BYTES) visit(first + at, Math.min(CHUNK_BYTES, length - at));
}

/** The address of a step's first byte, where its last one can be addressed too. */
function place(step: Fields, length: number): number {
  const address = wide(step, 'addr');
  if (address + BigInt(length) > 2n ** 52n) {
    throw new ScenarioError(`addr is 0x${address.toString(16)}: memory ends at 2^52`);
  }
  return Number(address);
}
