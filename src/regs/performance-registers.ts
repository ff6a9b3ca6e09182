import { eventRegisters, type RegisterField, type RegisterRow } from './register-row.js';

const SECTION = '§11.4.13';

/** What this model implements: eight counters of 48 bits, placed behind the fault records' widest reach (§11.4.13). */
const COUNTERS = 8;
const COUNTER_BITS = 48;
const COUNTER_STRIDE = 0x400;
const CONFIGURATION = 0x8000;
const CONFIGURATION_STRIDE = 0x100;
const FREEZE = 0x8800;
const OVERFLOW = 0x8808;
const VALUES = 0x9000;

/** Supported events of each group, as bits (§10.7). */
const EVENT_GROUPS = [0x6f, 0xe9, 0x3ff, 0xf, 0x7];

function row(name: string, offset: number, bytes: 4 | 8, about: string, fields: readonly RegisterField[]): RegisterRow {
  return { name, offset, bytes, needs: 'ECAP.PMS', section: SECTION, about, fields };
}

function place(name: string, offset: number, value: number, about: string): RegisterRow {
  return row(name, offset, 4, about, [
    { name: 'OFF', bits: [31, 0], access: 'RO', reset: value, about: 'byte offset' },
  ]);
}

/** A register of each counter's configuration block. */
function perCounter(
  name: string,
  at: number,
  bytes: 4 | 8,
  about: string,
  fields: readonly RegisterField[],
): RegisterRow {
  return { ...row(name, CONFIGURATION + at, bytes, about, fields), count: COUNTERS, stride: CONFIGURATION_STRIDE };
}

function filter(name: string, at: number, about: string, fields: readonly RegisterField[]): RegisterRow {
  return perCounter(name, at, 4, about, [{ name: 'EN', bits: [31, 31], access: 'RWL', about: 'filter on' }, ...fields]);
}

/** Performance monitoring (§11.4.13). */
export const PERFORMANCE_REGISTERS: readonly RegisterRow[] = [
  row('PERFCAP', 0x300, 8, 'performance monitoring capabilities', [
    { name: 'NCNTR', bits: [15, 0], access: 'RO', reset: COUNTERS, about: 'number of counters' },
    { name: 'CW', bits: [22, 16], access: 'RO', reset: COUNTER_BITS, about: 'counter width in bits' },
    { name: 'EGCNT', bits: [28, 24], access: 'RO', reset: EVENT_GROUPS.length, about: 'number of event groups' },
    {
      name: 'FLTR',
      bits: [36, 32],
      access: 'RO',
      reset: 0x1f,
      about: 'filters: source-id, domain-id, PASID, type, level',
    },
    { name: 'CWE', bits: [48, 48], access: 'RO', reset: 1, about: 'counters may be written while enabled' },
    { name: 'GFS', bits: [49, 49], access: 'RO', reset: 1, about: 'freeze all on overflow' },
    { name: 'IOS', bits: [50, 50], access: 'RO', reset: 1, about: 'interrupt on overflow' },
    { name: 'PCCS', bits: [51, 51], access: 'RO', about: 'capabilities per counter' },
    { name: 'CS', bits: [54, 52], access: 'RO', about: 'distance of counters: 2^(CS+10) bytes' },
  ]),
  place('PERFCFGOFF', 0x310, CONFIGURATION, 'place of the configuration blocks'),
  place('PERFFRZOFF', 0x314, FREEZE, 'place of the freeze status'),
  place('PERFOVFOFF', 0x318, OVERFLOW, 'place of the overflow status'),
  place('PERFCNTROFF', 0x31c, VALUES, 'place of the counters'),
  row('PERFINTRSTS', 0x324, 4, 'performance monitoring interrupt status', [
    { name: 'PIS', bits: [0, 0], access: 'RW1C', about: 'a counter overflowed' },
  ]),
  ...eventRegisters('PERFINTR', 0x328, [SECTION, 8], 'performance monitoring event', 'ECAP.PMS'),
  {
    ...row('PERFEVNTCAP', 0x380, 8, 'events of one group', [
      {
        name: 'ES',
        bits: [27, 0],
        access: 'RO',
        reset: (_capabilities, index) => EVENT_GROUPS[index] as number,
        about: 'supported events',
      },
    ]),
    count: EVENT_GROUPS.length,
  },
  perCounter('PERFCNTRCFG', 0x00, 8, 'counter configuration', [
    { name: 'EN', bits: [0, 0], access: 'RO', about: 'counting; set and cleared by commands' },
    { name: 'IO', bits: [1, 1], access: 'RWL', about: 'interrupt on overflow' },
    { name: 'GFO', bits: [2, 2], access: 'RWL', about: 'freeze all on overflow' },
    { name: 'EGI', bits: [11, 8], access: 'RWL', about: 'event group' },
    { name: 'ES', bits: [59, 32], access: 'RWL', about: 'events' },
  ]),
  filter('PERFRIDFLTR', 0x08, 'filter by source-id', [
    { name: 'RID', bits: [15, 0], access: 'RWL', about: 'source-id' },
  ]),
  filter('PERFDIDFLTR', 0x0c, 'filter by domain-id', [
    { name: 'DID', bits: [15, 0], access: 'RWL', about: 'domain-id' },
  ]),
  filter('PERFPASIDFLTR', 0x10, 'filter by PASID', [
    { name: 'MODE', bits: [21, 20], access: 'RWL', about: '0 this PASID, 1 any PASID, 2 none' },
    { name: 'PASID', bits: [19, 0], access: 'RWL', about: 'PASID' },
  ]),
  filter('PERFATFLTR', 0x14, 'filter by address type', [
    {
      name: 'AT',
      bits: [4, 0],
      access: 'RWL',
      about: 'bit 0 untranslated, 1 translation, 2 translated, 4 HPT prefetch',
    },
  ]),
  // listed as write-only, unlike every other filter; taken as they are (§11.4.13.20)
  filter('PERFPTLFLTR', 0x18, 'filter by page-table level', [
    { name: 'LVL', bits: [4, 0], access: 'RWL', about: 'levels, bit 0 the lowest' },
  ]),
  row('PERFFRZSTS', FREEZE, 8, 'which counters are frozen', [
    { name: 'FRZ', bits: [COUNTERS - 1, 0], access: 'RO', about: 'one bit a counter' },
  ]),
  row('PERFOVFSTS', OVERFLOW, 8, 'which counters overflowed', [
    { name: 'OVF', bits: [COUNTERS - 1, 0], access: 'RW1C', about: 'one bit a counter' },
  ]),
  {
    ...row('PERFCNTR', VALUES, 8, 'counter', [
      { name: 'CNTR', bits: [COUNTER_BITS - 1, 0], access: 'RWLV', about: 'value' },
    ]),
    count: COUNTERS,
    stride: COUNTER_STRIDE,
  },
];
