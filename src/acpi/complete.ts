import { checkedNumber, checkFields, isByteText, type Properties, shown } from './byte-fields.js';
import type { CompleteDmar, DeviceScope, DmarStructure, DmarTable } from './dmar.js';
import { DEVICE_SCOPE, SCOPE_TYPES, STRUCTURES, TABLE_HEADER } from './dmar-formats.js';

/**
 * A table with nothing left out, and with addresses as bigint.
 *
 * @throws TypeError or RangeError if something has a wrong type or does not fit its field; the message says what
 */
export function complete(table: DmarTable): CompleteDmar<DmarTable> {
  const header = checkFields(TABLE_HEADER, properties(table, 'the table'), 'the table', ['structures']);
  const structures = list(table.structures, 'structures').map(completeStructure);
  const completed: Properties = { ...header, structures };
  return completed as CompleteDmar<DmarTable>;
}

function completeStructure(given: unknown, index: number): CompleteDmar<DmarStructure> {
  const structure = properties(given, `structures[${index}]`);
  const { type } = structure;
  const place = `structures[${index}] (${String(type)})`;
  const completed = typeof type === 'number' ? unknownStructure(structure, place) : knownStructure(structure, place);
  return completed as CompleteDmar<DmarStructure>;
}

function knownStructure(structure: Properties, place: string): Properties {
  const format = STRUCTURES.find(({ name }) => name === structure.type);
  if (format === undefined) {
    throw new TypeError(
      `${place}: the types are ${STRUCTURES.map(({ name }) => name).join(', ')}, or a number from 7 on`,
    );
  }
  const { name: type, rest } = format;
  const completed: Properties = {
    type,
    ...checkFields(format, structure, place, rest === undefined ? ['type'] : ['type', rest]),
  };
  if (rest === 'scopes') {
    const scopes = list(structure.scopes ?? [], `${place}: scopes`);
    completed.scopes = scopes.map((scope, at) => completeScope(scope, `${place}: scopes[${at}]`));
  }
  if (rest === 'objectName') completed.objectName = checkedName(structure.objectName, place);
  return completed;
}

function checkedName(name: unknown, place: string): string {
  if (typeof name === 'string' && isByteText(name) && !name.includes('\0')) return name;
  throw new TypeError(`${place}: objectName is ${shown(name)}: give an ASCII name such as \\_SB.I2C0`);
}

function unknownStructure({ type, body, ...others }: Properties, place: string): Properties {
  const [extra] = Object.keys(others);
  if (extra !== undefined) throw new TypeError(`${place} has no ${extra}: a structure with a number has a body alone`);
  if (!(body instanceof Uint8Array)) throw new TypeError(`${place}: body is ${shown(body)}: give a Uint8Array`);
  return { type: checkedNumber(type, STRUCTURES.length, 0xffff, `${place}: type`), body };
}

function completeScope(given: unknown, place: string): Properties {
  const scope = properties(given, place);
  const fields = checkFields(DEVICE_SCOPE, scope, place, ['type', 'path']);
  const path = list(scope.path, `${place}: path`).map((step, at) => completeStep(step, `${place}: path[${at}]`));
  if (path.length === 0) throw new RangeError(`${place}: path is empty: give { device, function } at least once`);
  return { type: checkedScopeType(scope.type, place), ...fields, path };
}

function checkedScopeType(type: unknown, place: string): DeviceScope['type'] {
  const named = SCOPE_TYPES.find((name) => name === type);
  if (named !== undefined) return named;
  if (typeof type !== 'number') {
    throw new TypeError(`${place}: type is ${shown(type)}: there are ${SCOPE_TYPES.join(', ')}`);
  }
  const name = SCOPE_TYPES[checkedNumber(type, 0, 0xff, `${place}: type`) - 1];
  if (name !== undefined) throw new RangeError(`${place}: type is ${type}: write '${name}'`);
  return type;
}

/** Bytes that PCI has no devices and functions for can be parsed, but not built. */
function completeStep(given: unknown, place: string): Properties {
  const step = properties(given, place);
  return {
    device: checkedNumber(step.device, 0, 0xff, `${place}.device`),
    function: checkedNumber(step.function, 0, 0xff, `${place}.function`),
  };
}

function properties(value: unknown, place: string): Properties {
  if (typeof value === 'object' && value !== null) return value as Properties;
  throw new TypeError(`${place} is ${shown(value)}: give an object`);
}

function list(value: unknown, place: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`${place} is ${shown(value)}: give a list`);
}
