import type { Capabilities } from './capabilities.js';
import type { CapabilityName } from './capability-rows.js';
import { CAPABILITY_ROWS } from './capability-rows.js';
import { misplaced } from './placement.js';

/** One rule that binds capabilities to each other, to the platform, or to the values that are defined. */
interface Rule {
  /** Where the specification says so. */
  readonly section: string;
  readonly broken: (capabilities: Capabilities) => boolean;
  /** What is wrong and what to do, given the values. */
  readonly complaint: (capabilities: Capabilities) => string;
}

function shown(capabilities: Capabilities, name: CapabilityName): string {
  return `${name}=${capabilities.get(name)}`;
}

/** "`name` must be 0 if `other` is not `value`". */
function needs(name: CapabilityName, other: CapabilityName, value: 0 | 1, section: string): Rule {
  return {
    section,
    broken: (capabilities) => capabilities.has(name) && capabilities.get(other) !== value,
    complaint: (capabilities) =>
      `${shown(capabilities, name)} needs ${other}=${value}, but ${shown(capabilities, other)}:` +
      ` set ${other}=${value} or ${name}=0`,
  };
}

/** "Only some values of the field are defined". */
function legal(name: CapabilityName, isLegal: (value: number) => boolean, allowed: string, section: string): Rule {
  return {
    section,
    broken: (capabilities) => !isLegal(capabilities.get(name)),
    complaint: (capabilities) => `${shown(capabilities, name)} is not defined: ${allowed}`,
  };
}

/** From major version 2 on, invalidations always drain (§11.4.1). */
function drains(name: 'CAP.DRD' | 'CAP.DWD'): Rule {
  return {
    section: '§11.4.2',
    broken: (capabilities) => capabilities.get('VER.MAJOR') >= 2 && !capabilities.has(name),
    complaint: (capabilities) =>
      `${shown(capabilities, 'VER.MAJOR')} needs ${name}=1, but ${name}=0: set ${name}=1 or VER.MAJOR=1`,
  };
}

const RULES: readonly Rule[] = [
  ...CAPABILITY_ROWS.flatMap((row) => (row.needs ?? []).map((other) => needs(row.name, other, 1, row.section))),
  needs('CAP.RWBF', 'ECAP.SMTS', 0, '§11.4.2'),
  drains('CAP.DRD'),
  drains('CAP.DWD'),
  legal('VER.MAJOR', (major) => major >= 1, 'choose 1 to 15', '§11.4.1'),
  legal('CAP.ND', (nd) => nd <= 6, 'choose 0 to 6', '§11.4.2'),
  legal('CAP.SAGAW', (sagaw) => (sagaw & ~0xe) === 0, 'bits 0 and 4 are reserved, choose among bits 1 to 3', '§11.4.2'),
  legal('CAP.SSLPS', (sslps) => [0, 1, 3].includes(sslps), 'choose 0, 1 (2 MiB) or 3 (2 MiB and 1 GiB)', '§11.4.2'),
  legal('ECAP.ERS', (ers) => ers === 0, 'execute requests are gone since revision 4.1, choose 0', '§11.4.3'),
];

/** What contradicts what, each in one sentence that names both and says what to do; empty if all is well. */
export function contradictions(capabilities: Capabilities): string[] {
  const broken = RULES.filter((rule) => rule.broken(capabilities));
  return [...broken.map((rule) => `${rule.complaint(capabilities)} (${rule.section})`), ...misplaced(capabilities)];
}
