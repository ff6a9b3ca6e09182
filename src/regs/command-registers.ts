import type { RegisterField, RegisterRow } from './register-row.js';

/** Commands 240 to 245, which performance monitoring brings, as bits of the last ECCAP register (§11.4.14). */
const PERFORMANCE_COMMANDS = 0x3f;

function command(access: 'WO' | 'RW'): RegisterField[] {
  return [
    { name: 'CMD', bits: [7, 0], access, about: 'command; writing it starts the command' },
    { name: 'OPA', bits: [63, 16], access, about: 'operand A' },
  ];
}

function operand(access: 'WO' | 'RW'): RegisterField[] {
  return [{ name: 'OPB', bits: [63, 0], access, about: 'operand B' }];
}

const RESPONSE: readonly RegisterField[] = [
  { name: 'IP', bits: [0, 0], access: 'RO', about: 'a command is in progress' },
  { name: 'SC', bits: [7, 1], access: 'RO', about: 'status: 0 success, 1 undefined command' },
  { name: 'RSLT', bits: [63, 16], access: 'RO', about: 'result' },
];

function enhanced(name: string, offset: number, about: string, fields: readonly RegisterField[]): RegisterRow {
  return { name, offset, bytes: 8, needs: 'CAP.ECMDS', section: '§11.4.14', about, fields };
}

function virtual(name: string, offset: number, about: string, fields: readonly RegisterField[]): RegisterRow {
  return { name, offset, bytes: 8, needs: 'ECAP.VCS', section: '§11.4.16', about, fields };
}

/** Enhanced commands (§11.4.14), resource director (§11.4.15), virtual commands (§11.4.16). */
export const COMMAND_REGISTERS: readonly RegisterRow[] = [
  enhanced('ECMD', 0x400, 'enhanced command', command('WO')),
  enhanced('ECEO', 0x408, 'enhanced command, extended operand', operand('WO')),
  enhanced('ECRSP', 0x410, 'enhanced command response', RESPONSE),
  enhanced('ECSTS0', 0x420, 'enhanced command status', []),
  enhanced('ECSTS1', 0x428, 'enhanced command status', []),
  {
    ...enhanced('ECCAP', 0x430, 'enhanced command capabilities: commands 64n to 64n + 63', [
      {
        name: 'PMCMDS',
        bits: [53, 48],
        access: 'RO',
        reset: (capabilities, index) => (index === 3 && capabilities.has('ECAP.PMS') ? PERFORMANCE_COMMANDS : 0),
        about: 'commands 240 to 245, in the last register',
      },
    ]),
    count: 4,
  },
  {
    name: 'RDTC',
    offset: 0xdc0,
    bytes: 8,
    needs: 'ECAP.RDTS',
    section: '§11.4.15',
    about: "tags of the unit's own memory accesses",
    fields: [
      { name: 'RMID', bits: [11, 0], access: 'RW', about: 'resource monitoring id' },
      { name: 'CLOS', bits: [36, 32], access: 'RW', about: 'class of service' },
    ],
  },
  virtual('VCMD', 0xe00, 'virtual command', command('RW')),
  virtual('VCMD_EO', 0xe08, 'virtual command, extended operand', operand('RW')),
  virtual('VCRSP', 0xe10, 'virtual command response', RESPONSE),
  virtual('VCCAP', 0xe30, 'virtual command capabilities', [
    { name: 'NS', bits: [0, 0], access: 'RO', reset: 1, about: 'null command' },
    { name: 'PAS', bits: [1, 1], access: 'RO', reset: 1, about: 'allocate a PASID' },
    { name: 'FPS', bits: [2, 2], access: 'RO', reset: 1, about: 'free a PASID' },
  ]),
];
