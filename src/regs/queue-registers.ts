import { base, eventRegisters, type RegisterField, type RegisterRow } from './register-row.js';

function queueOffset(name: string, low: number, access: 'RO' | 'RW', about: string): RegisterField {
  return { name, bits: [18, low], access, inPlace: true, about };
}

/** The invalidation queue (§11.4.9). */
export const INVALIDATION_QUEUE_REGISTERS: readonly RegisterRow[] = [
  {
    name: 'IQH',
    offset: 0x80,
    bytes: 8,
    needs: 'ECAP.QI',
    section: '§11.4.9.1',
    about: 'invalidation queue head',
    fields: [queueOffset('QH', 4, 'RO', 'byte offset of the next descriptor to execute')],
  },
  {
    name: 'IQT',
    offset: 0x88,
    bytes: 8,
    needs: 'ECAP.QI',
    section: '§11.4.9.2',
    about: 'invalidation queue tail',
    fields: [queueOffset('QT', 4, 'RW', 'byte offset behind the last descriptor')],
  },
  {
    name: 'IQA',
    offset: 0x90,
    bytes: 8,
    needs: 'ECAP.QI',
    section: '§11.4.9.3',
    about: 'invalidation queue address',
    fields: [
      base('IQA', 'queue'),
      { name: 'DW', bits: [11, 11], access: 'RW', about: 'descriptors of 256 bits, not 128' },
      { name: 'QS', bits: [2, 0], access: 'RW', about: 'size: 2^QS pages' },
    ],
  },
  {
    name: 'ICS',
    offset: 0x9c,
    bytes: 4,
    needs: 'ECAP.QI',
    section: '§11.4.9.4',
    about: 'invalidation completion status',
    fields: [{ name: 'IWC', bits: [0, 0], access: 'RW1CS', about: 'a wait descriptor with IF=1 completed' }],
  },
  ...eventRegisters('IE', 0xa0, ['§11.4.9', 5], 'invalidation event', 'ECAP.QI'),
  {
    name: 'IQERCD',
    offset: 0xb0,
    bytes: 8,
    needs: 'ECAP.QI',
    section: '§11.4.9.9',
    about: 'invalidation queue error record',
    fields: [
      { name: 'ICESID', bits: [63, 48], access: 'ROS', about: 'source-id of a bad completion' },
      { name: 'ITESID', bits: [47, 32], access: 'ROS', about: 'source-id of a completion that timed out' },
      { name: 'IQEI', bits: [3, 0], access: 'ROS', about: 'what stopped the queue' },
    ],
  },
];

/** The page-request queue (§11.4.11). */
export const PAGE_REQUEST_REGISTERS: readonly RegisterRow[] = [
  {
    name: 'PQH',
    offset: 0xc0,
    bytes: 8,
    needs: 'ECAP.PRS',
    section: '§11.4.11.1',
    about: 'page-request queue head',
    fields: [queueOffset('PQH', 5, 'RW', 'byte offset of the next request for software')],
  },
  {
    name: 'PQT',
    offset: 0xc8,
    bytes: 8,
    needs: 'ECAP.PRS',
    section: '§11.4.11.2',
    about: 'page-request queue tail',
    fields: [queueOffset('PQT', 5, 'RW', 'byte offset behind the last request')],
  },
  {
    name: 'PQA',
    offset: 0xd0,
    bytes: 8,
    needs: 'ECAP.PRS',
    section: '§11.4.11.3',
    about: 'page-request queue address',
    fields: [base('PQA', 'queue'), { name: 'PQS', bits: [2, 0], access: 'RW', about: 'size: 2^PQS pages' }],
  },
  {
    name: 'PRS',
    offset: 0xdc,
    bytes: 4,
    needs: 'ECAP.PRS',
    section: '§11.4.11.4',
    about: 'page-request status',
    fields: [
      { name: 'PPR', bits: [0, 0], access: 'RW1CS', about: 'a request was added' },
      { name: 'PRO', bits: [1, 1], access: 'RW1CS', about: 'a request found the queue full' },
    ],
  },
  ...eventRegisters('PE', 0xe0, ['§11.4.11', 5], 'page-request event', 'ECAP.PRS'),
];
