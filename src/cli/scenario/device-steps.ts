import {
  type Access,
  type ExplainRequest,
  type GuestMemory,
  type IommuMemoryRegion,
  type RequestAttributes,
  rightsText,
} from '../../index.js';
import { completionOf } from './ats-steps.js';
import { type Fields, flag, hex, hexBytes, hexText, oneOf, ScenarioError, wide } from './fields.js';
import { attributesOf, type Machine, requesterOf } from './machine.js';
import type { StepTable } from './steps.js';

/** Runs that `maps` tells of at most. */
const MOST_MAPS = 2 ** 18;

/** Steps in which a device does something, or is looked at. */
export const DEVICE_STEPS: StepTable = {
  dma(machine, step) {
    const region = machine.region(step);
    // no cache line is modelled, but a wrong type is a mistake of the scenario
    flag(step, 'nosnoop');
    if (flag(step, 'zlr')) return zeroLengthRead(region, step);
    switch (oneOf(step, 'dir', ['read', 'write', 'atomic'])) {
      case 'read':
        return dmaRead(machine, region, step);
      case 'write':
        return dmaWrite(machine, region, step);
      default:
        return fetchAndAdd(machine, region, step);
    }
  },
  msi(machine, step) {
    const region = machine.region(step);
    // a function's MSI address has no bits 1:0, its data 16 bits
    const address = wide(step, 'addr') & ~3n;
    const data = Number(wide(step, 'data') & 0xffffn);
    region.write32(address, data);
    return {};
  },
  maps(machine, step) {
    const maps: string[][] = [];
    const { ended } = machine.region(step).replay((iova, length, address, rights) => {
      maps.push([hex(iova), hex(length), hex(address), rightsText(rights)]);
      return maps.length < MOST_MAPS;
    });
    if (ended !== 'complete') throw new ScenarioError(`the tables map more than can be told: ${ended}`);
    return { maps };
  },
  notify(machine, step) {
    // the scenario goes on: only this step cannot be done
    if (!machine.unit.capabilities.has('CAP.CM')) return { error: 'a notifier of maps needs CAP.CM=1' };
    const first = wide(step, 'first', 0n);
    const last = wide(step, 'last', 2n ** 64n - 1n);
    if (first > last || first % 4096n !== 0n || last % 4096n !== 4095n) {
      throw new ScenarioError(`a window from ${hex(first)} to ${hex(last)}: give whole pages`);
    }
    machine.region(step).addNotifier({ first, last, replay: flag(step, 'replay') });
    return {};
  },
  explain(machine, step) {
    const iova = wide(step, 'addr');
    const isTranslation =
      oneOf(step, 'at', ['untranslated', 'translation', 'translated'], 'untranslated') === 'translation';
    const asked = isTranslation ? translationAttributes(step) : { access: accessOf(step), ...dmaAttributes(step) };
    const { ok, completion, fault, text } = machine.unit.explain({ ...requesterOf(step), iova, ...asked });
    const reason = fault?.reason === undefined ? {} : { reason: hex(fault.reason) };
    return { ok, ...(completion === undefined ? {} : completionOf(completion)), ...reason, text };
  },
};

function accessOf(step: Fields): Access {
  return flag(step, 'zlr') ? 'zero-length-read' : oneOf(step, 'dir', ['read', 'write', 'atomic'], 'read');
}

function translationAttributes(step: Fields): Pick<ExplainRequest, 'kind' | 'noWrite' | 'privileged' | 'execute'> {
  if (step.dir !== undefined || step.zlr !== undefined) {
    throw new ScenarioError('a request for a translation is no access: leave dir and zlr out');
  }
  return { kind: 'translation', noWrite: flag(step, 'nw'), ...attributesOf(step) };
}

function isTranslated(step: Fields): boolean {
  return oneOf(step, 'at', ['untranslated', 'translated'], 'untranslated') === 'translated';
}

function dmaAttributes(step: Fields): RequestAttributes {
  return { translated: isTranslated(step), ...attributesOf(step) };
}

function dmaRead(machine: Machine, region: IommuMemoryRegion, step: Fields) {
  const target = new Uint8Array(machine.bytes(step, 'size', 1));
  const done = region.read(wide(step, 'addr'), target, dmaAttributes(step));
  return { rejected: target.length - done, hex: hexText(target) };
}

function dmaWrite(machine: Machine, region: IommuMemoryRegion, step: Fields) {
  const source = hexBytes(step);
  const size = machine.bytes(step, 'size', 1);
  if (source.length !== size) throw new ScenarioError(`hex has ${source.length} bytes, but size is ${size}`);
  return { rejected: size - region.write(wide(step, 'addr'), source, dmaAttributes(step)) };
}

/** A fetch-and-add of 4 or 8 bytes; `hex` is the operand. */
function fetchAndAdd(machine: Machine, region: IommuMemoryRegion, step: Fields) {
  const operand = hexBytes(step);
  const size = operand.length;
  if ((size !== 4 && size !== 8) || size !== Number(step.size ?? size)) {
    throw new ScenarioError(`an AtomicOp with an operand of ${size} bytes: hex and size are of 4 or of 8`);
  }
  const address = wide(step, 'addr');
  if (address % BigInt(size) !== 0n)
    throw new ScenarioError(`an AtomicOp at ${hex(address)}: align it to its ${size} bytes`);
  const old = Buffer.alloc(size);
  const answer = region.translate(address, 'atomic', dmaAttributes(step));
  const done = answer.ok && addTo(machine.unit.memory, Number(answer.address), operand, old);
  return { rejected: done ? 0 : size, hex: hexText(old) };
}

/** Adds to bytes of memory; `old` receives what stood there. Answers whether memory took part. */
function addTo(memory: GuestMemory, address: number, operand: Uint8Array, old: Uint8Array): boolean {
  if (memory.read(address, old) < old.length) return false;
  let carry = 0;
  const sum = old.map((byte, at) => {
    carry = byte + (operand[at] as number) + (carry >> 8);
    return carry & 0xff;
  });
  return memory.write(address, sum) === sum.length;
}

function zeroLengthRead(region: IommuMemoryRegion, step: Fields) {
  oneOf(step, 'dir', ['read'], 'read');
  oneOf(step, 'size', [1], 1);
  const address = wide(step, 'addr');
  const done = region.zeroLengthRead(address, dmaAttributes(step));
  return { rejected: done ? 0 : 1, hex: '00' };
}
