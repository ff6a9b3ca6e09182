import { base, eventRegisters, type RegisterRow } from './register-row.js';

/** Fault status, event and records (§11.4.7). */
export const FAULT_REGISTERS: readonly RegisterRow[] = [
  {
    name: 'FSTS',
    offset: 0x34,
    bytes: 4,
    section: '§11.4.7.1',
    about: 'fault status',
    fields: [
      { name: 'PFO', bits: [0, 0], access: 'RW1CS', about: 'a fault found no free record' },
      { name: 'PPF', bits: [1, 1], access: 'ROS', about: 'a record is pending' },
      { name: 'AFO', bits: [2, 2], access: 'RW1CS', needs: 'CAP.AFL', about: 'advanced fault log overflow' },
      { name: 'APF', bits: [3, 3], access: 'RW1CS', needs: 'CAP.AFL', about: 'advanced fault pending' },
      { name: 'IQE', bits: [4, 4], access: 'RW1CS', needs: 'ECAP.QI', about: 'invalidation queue error' },
      { name: 'ICE', bits: [5, 5], access: 'RW1CS', needs: 'ECAP.DT', about: 'bad device-TLB completion' },
      { name: 'ITE', bits: [6, 6], access: 'RW1CS', needs: 'ECAP.DT', about: 'device-TLB completion timed out' },
      { name: 'FRI', bits: [15, 8], access: 'ROS', about: 'index of the first pending record' },
    ],
  },
  ...eventRegisters('FE', 0x38, ['§11.4.7', 2], 'fault event'),
  {
    name: 'AFLOG',
    offset: 0x58,
    bytes: 8,
    needs: 'CAP.AFL',
    section: '§11.4.7',
    about: 'advanced fault log, up to revision 3.x; takes effect with GCMD.SFL',
    fields: [base('FLA', 'fault log'), { name: 'FLS', bits: [11, 9], access: 'RW', about: 'size: 2^FLS pages' }],
  },
  {
    name: 'FRCD',
    offset: (capabilities) => 16 * capabilities.get('CAP.FRO'),
    bytes: 16,
    count: (capabilities) => capabilities.get('CAP.NFR') + 1,
    section: '§11.4.7.6',
    about: 'fault record',
    fields: [
      { name: 'F', bits: [127, 127], access: 'RW1CS', about: 'the record is valid' },
      {
        name: 'T1',
        bits: [126, 126],
        access: 'ROS',
        about: 'with T2: 00 write, 01 page request, 10 read, 11 AtomicOp',
      },
      { name: 'AT', bits: [125, 124], access: 'ROS', needs: 'ECAP.DT', about: 'address type of the request' },
      { name: 'PV', bits: [123, 104], access: 'ROS', needs: 'ECAP.PASID', about: 'PASID' },
      { name: 'FR', bits: [103, 96], access: 'ROS', about: 'fault reason' },
      { name: 'PP', bits: [95, 95], access: 'ROS', needs: 'ECAP.PASID', about: 'the request had a PASID' },
      { name: 'EXE', bits: [94, 94], access: 'ROS', needs: 'ECAP.PASID', about: 'execute requested' },
      { name: 'PRIV', bits: [93, 93], access: 'ROS', needs: 'ECAP.PASID', about: 'supervisor requested' },
      { name: 'T2', bits: [92, 92], access: 'ROS', about: 'see T1' },
      { name: 'SID', bits: [79, 64], access: 'ROS', about: 'source-id of the request' },
      {
        name: 'FI',
        bits: [63, 12],
        access: 'ROS',
        inPlace: true,
        about: 'page address; interrupt index in bits 63:48',
      },
    ],
  },
];
