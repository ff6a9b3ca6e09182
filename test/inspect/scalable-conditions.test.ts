import { describe, expect, test } from 'vitest';
import type { CapabilityName } from '../../src/index.js';
import { SCALABLE_CONDITIONS } from '../../src/walk/scalable-conditions.js';
import { type ConditionCase, expectExplained } from './condition-case.js';
import {
  FIRST,
  IOVA,
  NESTED,
  NOWHERE,
  PAGE,
  PASID,
  PASS_THROUGH,
  ScalableMachine,
  SECOND,
} from './scalable-machine.js';

type Fields = Partial<Record<CapabilityName, number>>;
type Change = (machine: ScalableMachine) => unknown;

const CANNOT_BE_READ = 'cannot be read: no memory answers there';
const NOT_PRESENT = 'not present: P=0';
/** R/W, U/S and the page's other bits without A or D. */
const NO_ACCESSED = 0x20n;
const NO_DIRTY = 0x40n;

/** A machine whose device is attached by a translation type, and then changed. */
function given(type: number, change: Change = () => {}, fields: Fields = {}): ScalableMachine {
  const machine = new ScalableMachine(fields).start().attach({ type });
  change(machine);
  return machine;
}

/** Memory beyond the machine's that holds one page of entries and takes no writes; answers its page number. */
function readOnly({ memory }: ScalableMachine, entry: bigint): bigint {
  const readWord = (address: number) => Number((entry >> BigInt(8 * (address & 4))) & 0xffff_ffffn);
  memory.attachHandler(0x100_0000, 4096, { readWord, writeWord: () => false });
  return 0x1000n;
}

const unsnooped: Change = (machine) => machine.changeEntry(1, (word) => word & ~(1n << 23n));

const CASES: readonly ConditionCase<ScalableMachine>[] = [
  {
    condition: 'RTA.1.4',
    given: 'SSIRWE in legacy mode',
    arrange: () => new ScalableMachine().start(0n, 0x80n),
    step: 'root table',
    verdict: 'TTM=0: legacy mode with SSIRWE, table at 0x10000: SSIRWE in legacy mode',
  },
  {
    condition: 'RTA.5',
    given: 'an execute request to hardware of major version 8',
    arrange: () => given(SECOND, undefined, { 'VER.MAJOR': 8 }),
    request: { pasid: PASID, execute: true },
    step: 'root table',
    verdict: 'TTM=1: scalable mode, table at 0x10000: an execute request',
  },
  {
    condition: 'SRT.1',
    given: 'a root table outside of memory',
    arrange: () => {
      const machine = new ScalableMachine();
      machine.unit.write64(0x20, (NOWHERE << 12n) | (1n << 10n));
      machine.unit.write32(0x18, 1 << 30);
      machine.unit.write32(0x18, 1 << 31);
      return machine;
    },
    step: 'root entry half',
    verdict: CANNOT_BE_READ,
  },
  {
    condition: 'SRT.2',
    given: 'an empty root table',
    arrange: () => new ScalableMachine().start(),
    step: 'root entry half',
    verdict: NOT_PRESENT,
  },
  {
    condition: 'SRT.3',
    given: 'a reserved bit in the half of the root entry',
    arrange: () => given(SECOND, (machine) => machine.setBits(machine.root, 0x20n)),
    step: 'root entry half',
    verdict: 'reserved bit 5 (always reserved) set',
  },
  {
    condition: 'SCT.1',
    given: 'a context table outside of memory',
    arrange: () => given(SECOND, (machine) => machine.redirect(machine.root, NOWHERE)),
    step: 'scalable context entry',
    verdict: CANNOT_BE_READ,
  },
  {
    condition: 'SCT.2',
    given: 'a context entry with P=0',
    arrange: () => given(SECOND, (machine) => machine.clearBits(machine.context, 1n)),
    step: 'scalable context entry',
    verdict: NOT_PRESENT,
  },
  {
    condition: 'SCT.3',
    given: 'page requests on a unit without them, and a reserved bit',
    arrange: () =>
      given(SECOND, (machine) => machine.setBits(machine.context, 0x110n), {
        'ECAP.PRS': 0,
        'ECAP.PDS': 0,
        'ECAP.SMS': 0,
      }),
    step: 'scalable context entry',
    verdict: 'reserved bits 4 (PRE needs ECAP.PRS, which is 0), 8 (always reserved) set',
  },
  {
    condition: 'SCT.4.1',
    given: 'page requests of a device without a device-TLB',
    arrange: () =>
      given(SECOND, (machine) => machine.setWord(machine.context, (machine.word(machine.context) & ~4n) | 0x10n)),
    step: 'scalable context entry',
    verdict: 'PRE=1 needs DTE=1',
  },
  {
    condition: 'SCT.4.2',
    given: 'a RID_PASID beyond the directory',
    arrange: () => given(SECOND, (machine) => machine.setWord(machine.context + 8, 0x2001n)),
    step: 'scalable context entry',
    verdict: 'RID_PASID=0x2001: PDTS=0 has PASIDs up to 0x1fff',
  },
  {
    condition: 'SCT.4.3',
    given: 'translated requests with PASID of a device without requests with PASID',
    arrange: () => given(SECOND, (machine) => machine.clearBits(machine.setBits(machine.context, 0x40n).context, 8n)),
    step: 'scalable context entry',
    verdict: 'EPTR=1 needs PASIDE=1',
  },
  {
    condition: 'SCT.5',
    given: 'a translated request of a device without device-TLB',
    arrange: () => given(SECOND, (machine) => machine.clearBits(machine.context, 4n)),
    request: { translated: true },
    step: 'scalable context entry',
    verdict: 'DTE=0: translated requests need DTE=1',
  },
  {
    condition: 'SCT.6',
    given: 'a request with PASID of a device that has none',
    arrange: () => given(SECOND, (machine) => machine.clearBits(machine.context, 8n)),
    request: { pasid: PASID },
    step: 'scalable context entry',
    verdict: 'PASIDE=0: requests with PASID need PASIDE=1',
  },
  {
    condition: 'SCT.7',
    given: 'a PASID beyond the directory',
    arrange: () => given(SECOND),
    request: { pasid: 0x2000 },
    step: 'scalable context entry',
    verdict: 'PDTS=0 has PASIDs up to 0x1fff',
  },
  {
    condition: 'SCT.9',
    given: 'a request that carries RID_PASID',
    arrange: () => given(SECOND),
    request: { pasid: 1 },
    step: 'scalable context entry',
    verdict: 'RID_PASID=0x1: no request may carry it',
  },
  {
    condition: 'SCT.10',
    given: 'a translated request with PASID that is not allowed',
    arrange: () => given(SECOND),
    request: { pasid: PASID, translated: true },
    step: 'scalable context entry',
    verdict: 'EPTR=0: translated requests with PASID need EPTR=1',
  },
  {
    condition: 'SGN.10',
    given: 'a PASID of more bits than the unit has',
    arrange: () => given(SECOND, undefined, { 'ECAP.PSS': 5 }),
    request: { pasid: PASID },
    step: 'PASID width',
    verdict: '6 bits (ECAP.PSS): the PASID is wider than ECAP.PSS allows',
  },
  {
    condition: 'SPD.1',
    given: 'a PASID directory outside of memory',
    arrange: () => given(SECOND, (machine) => machine.redirect(machine.context, NOWHERE)),
    step: 'PASID directory entry',
    verdict: CANNOT_BE_READ,
  },
  {
    condition: 'SPD.2',
    given: 'a PASID directory entry with P=0',
    arrange: () => given(SECOND, (machine) => machine.clearBits(machine.directory, 1n)),
    step: 'PASID directory entry',
    verdict: NOT_PRESENT,
  },
  {
    condition: 'SPD.3',
    given: 'a PASID table beyond the host address width',
    arrange: () => given(SECOND, (machine) => machine.setBits(machine.directory, 1n << 46n)),
    step: 'PASID directory entry',
    verdict: 'reserved bit 46 (beyond the host address width, 46 bits) set',
  },
  {
    condition: 'SPT.1',
    given: 'a PASID table outside of memory',
    arrange: () => given(SECOND, (machine) => machine.redirect(machine.directory, NOWHERE)),
    step: 'PASID entry',
    verdict: CANNOT_BE_READ,
  },
  {
    condition: 'SPT.2',
    given: 'a PASID entry with P=0',
    arrange: () => given(SECOND, (machine) => machine.changeEntry(0, (word) => word & ~1n)),
    request: { pasid: PASID },
    step: 'PASID entry',
    verdict: NOT_PRESENT,
  },
  {
    condition: 'SPT.3',
    given: 'flags of the second stage on a unit without them',
    arrange: () => given(SECOND, (machine) => machine.changeEntry(0, (word) => word | 0x200n), { 'ECAP.SSADS': 0 }),
    step: 'PASID entry',
    verdict: 'reserved bit 9 (SSADE needs ECAP.SSADS, which is 0) set',
  },
  {
    condition: 'SPT.4.1',
    given: 'an address width that is not offered',
    arrange: () => given(SECOND, () => {}, { 'CAP.SAGAW': 0b1010 }),
    step: 'PASID entry',
    verdict: 'AW=2: CAP.SAGAW offers 1 (39 bits), 3 (57 bits)',
  },
  {
    condition: 'SPT.4.2',
    given: 'nested translation on a unit without it',
    arrange: () => given(NESTED, () => {}, { 'ECAP.NEST': 0 }),
    step: 'PASID entry',
    verdict: 'PGTT=3 needs ECAP.NEST, which is 0',
  },
  {
    condition: 'SPT.4.2',
    given: 'a reserved translation type',
    arrange: () => given(0),
    step: 'PASID entry',
    verdict: 'PGTT=0 is reserved',
  },
  {
    condition: 'SPT.4.3',
    given: 'five levels of a first stage on a unit without them',
    arrange: () => given(FIRST, (machine) => machine.changeEntry(2, (word) => word | 4n), { 'CAP.FS5LP': 0 }),
    step: 'PASID entry',
    verdict: 'FSPM=1 needs CAP.FS5LP, which is 0',
  },
  {
    condition: 'SPT.4.4',
    given: 'nested first-stage tables beyond the guest address width',
    arrange: () => {
      const machine = new ScalableMachine({}, { hostAddressWidth: 52 }).start().attach({ type: NESTED });
      return machine.changeEntry(2, (word) => (word & 0xfffn) | (1n << 48n));
    },
    step: 'PASID entry',
    verdict: 'FSPTPTR=0x1000000000000: guest addresses have 48 bits',
  },
  {
    condition: 'SPT.5',
    given: 'an execute request',
    arrange: () => given(SECOND),
    request: { pasid: PASID, execute: true },
    step: 'execute request',
    verdict: 'ER=1: an execute request',
  },
  {
    condition: 'SPT.6',
    given: 'a supervisor request without SRE',
    arrange: () => given(FIRST),
    request: { pasid: PASID, privileged: true },
    step: 'PASID entry',
    verdict: 'SRE=0: supervisor requests need SRE=1',
  },
  {
    condition: 'SPT.6',
    given: 'requests without PASID that RID_PRIV makes those of a supervisor',
    arrange: () => given(FIRST, (machine) => machine.setBits(machine.context + 8, 1n << 20n)),
    step: 'PASID entry',
    verdict: 'SRE=0: supervisor requests need SRE=1',
  },
  {
    condition: 'SPT.9',
    given: 'a translated address beyond the host permission table',
    arrange: () => {
      const machine = new ScalableMachine({}, { hostAddressWidth: 52 }).start().attach();
      machine.permit(3n);
      return machine;
    },
    request: { translated: true, iova: 1n << 49n },
    step: 'PASID entry',
    verdict: 'HPTSZ=0: addresses have 49 bits',
  },
  {
    condition: 'SFS.1',
    given: 'a first-stage table outside of memory',
    arrange: () => given(FIRST, (machine) => machine.redirect(machine.first[2], NOWHERE)),
    step: 'FS-PTE',
    verdict: CANNOT_BE_READ,
  },
  {
    condition: 'SFS.2',
    given: 'a first-stage entry with P=0',
    arrange: () => given(FIRST, (machine) => machine.clearBits(machine.first[1], 1n)),
    step: 'FS-PTE',
    verdict: NOT_PRESENT,
  },
  {
    condition: 'SFS.3',
    given: 'a 1 GiB page on a unit without them',
    arrange: () => given(FIRST, (machine) => machine.setBits(machine.first[3], 0x80n), { 'CAP.FS1GP': 0 }),
    step: 'FS-PDPE',
    verdict: 'reserved bit 7 (PS: CAP.FS1GP offers no page of this size) set',
  },
  {
    condition: 'SFS.4',
    given: 'a top first-stage table outside of memory',
    arrange: () => given(FIRST, (machine) => machine.changeEntry(2, () => NOWHERE << 12n)),
    step: 'FS-PML4E',
    verdict: CANNOT_BE_READ,
  },
  {
    condition: 'SFS.5',
    given: 'a nested first-stage entry beyond the guest address width',
    arrange: () => given(NESTED, (machine) => machine.setBits(machine.first[2], 1n << 45n), { 'CAP.MGAW': 44 }),
    step: 'FS-PDE',
    verdict: /^points to 0x2\d{11}: guest addresses have 45 bits$/,
  },
  {
    condition: 'SFS.6',
    given: 'a second stage that does not let the top first-stage table be read',
    arrange: () => given(NESTED, (machine) => machine.clearBits(machine.table[1], 1n)),
    step: 'SS-PTE',
    verdict: /^page of 4 KiB at 0x\w+, R=0$/,
  },
  {
    condition: 'SFS.7',
    given: 'a second stage with flags that does not let a lower first-stage table be written',
    arrange: () =>
      given(NESTED, (machine) => {
        machine.changeEntry(0, (word) => word | 0x200n);
        // the entry for the table after the top one stands beside that of the top one
        machine.clearBits(machine.placeOf(machine.first[3]), 2n);
      }),
    step: 'SS-PTE',
    verdict: /^page of 4 KiB at 0x\w+, W=0$/,
  },
  {
    condition: 'SFS.8',
    given: 'a second stage that does not let a first-stage entry be marked',
    arrange: () =>
      given(NESTED, (machine) => {
        machine.clearBits(machine.first[1], NO_ACCESSED);
        machine.clearBits(machine.placeOf(machine.first[1]), 2n);
      }),
    step: 'FS-PTE',
    verdict: 'page of 4 KiB at 0x346678000, A=0 has to be set, but the second stage grants no W',
  },
  {
    condition: 'SFS.9',
    given: 'an accessed flag to be set by a walk that is not snooped',
    arrange: () =>
      given(FIRST, (machine) => {
        unsnooped(machine);
        machine.clearBits(machine.first[2], NO_ACCESSED);
      }),
    step: 'FS-PDE',
    verdict: /^points to the table at 0x\w+, A=0 has to be set, but walks are not snooped$/,
  },
  {
    condition: 'SFS.9',
    given: 'a write to a clean page by a walk that is not snooped',
    arrange: () =>
      given(FIRST, (machine) => {
        unsnooped(machine);
        machine.clearBits(machine.first[1], NO_DIRTY);
      }),
    request: { access: 'write' },
    step: 'FS-PTE',
    verdict: 'page of 4 KiB at 0x345678000, D=0 has to be set, but walks are not snooped',
  },
  {
    condition: 'SFS.10',
    given: 'flags of an entry in memory that takes no writes',
    arrange: () =>
      given(FIRST, (machine) => {
        machine.changeEntry(2, (word) => word | 0x80n);
        for (const entry of machine.first.slice(2)) machine.setBits(entry, 0x400n);
        machine.redirect(machine.first[2], readOnly(machine, PAGE | 7n));
      }),
    step: 'FS-PTE',
    verdict: 'page of 4 KiB at 0x345678000, A=0 and EA=0 have to be set, but memory takes no update',
  },
  {
    condition: 'SSS.1',
    given: 'a second-stage table outside of memory',
    arrange: () => given(SECOND, (machine) => machine.redirect(machine.second[2], NOWHERE)),
    step: 'SS-PTE',
    verdict: CANNOT_BE_READ,
  },
  {
    condition: 'SSS.2',
    given: 'an address that is not mapped',
    arrange: () => given(SECOND, (machine) => machine.setWord(machine.second[1], 0n)),
    step: 'SS-PTE',
    verdict: 'grants nothing: R=0, W=0',
  },
  {
    condition: 'SSS.2',
    given: 'no right that all levels grant',
    arrange: () =>
      given(SECOND, (machine) => machine.clearBits(machine.clearBits(machine.second[2], 2n).second[1], 1n)),
    step: 'SS-PTE',
    verdict: 'page of 4 KiB at 0x345678000, no right is left that all levels grant',
  },
  {
    condition: 'SSS.2',
    given: 'an address that is not mapped for devices, by SSIRWE',
    arrange: () => new ScalableMachine().start(1n, 0x80n).attach(),
    step: 'SS-PML4E',
    verdict: 'grants nothing: IR=0, IW=0',
  },
  {
    condition: 'SSS.3',
    given: 'a 2 MiB page on a unit without them',
    arrange: () => given(SECOND, (machine) => machine.setBits(machine.second[2], 0x80n), { 'CAP.SSLPS': 0 }),
    step: 'SS-PDE',
    verdict: 'reserved bit 7 (PS: CAP.SSLPS offers no page of this size) set',
  },
  {
    condition: 'SSS.4',
    given: 'a top second-stage table outside of memory',
    arrange: () => given(SECOND, (machine) => machine.changeEntry(0, (word) => (word & 0xfffn) | (NOWHERE << 12n))),
    step: 'SS-PML4E',
    verdict: CANNOT_BE_READ,
  },
  {
    condition: 'SSS.5',
    given: 'a write to a clean page by a walk that is not snooped',
    arrange: () =>
      given(SECOND, (machine) => {
        unsnooped(machine);
        machine.changeEntry(0, (word) => word | 0x200n);
        machine.clearBits(machine.second[1], 0x200n);
      }),
    request: { access: 'write' },
    step: 'SS-PTE',
    verdict: 'page of 4 KiB at 0x345678000, D=0 has to be set, but walks are not snooped',
  },
  {
    condition: 'SSS.6',
    given: 'a flag of an entry in memory that takes no writes',
    arrange: () =>
      given(SECOND, (machine) => {
        machine.changeEntry(0, (word) => word | 0x200n);
        machine.redirect(machine.second[2], readOnly(machine, PAGE | 3n));
      }),
    step: 'SS-PTE',
    verdict: 'page of 4 KiB at 0x345678000, A=0 has to be set, but memory takes no update',
  },
  {
    condition: 'SGN.1',
    given: 'an address that is not canonical',
    arrange: () => given(FIRST),
    request: { iova: 1n << 47n },
    step: 'canonical address',
    verdict: '48 bits (4 levels): bits 63:47 have to be equal: the address is not canonical',
  },
  {
    condition: 'SGN.2',
    given: 'a user request to a supervisor page',
    arrange: () => given(FIRST, (machine) => machine.clearBits(machine.first[1], 4n)),
    step: 'FS-PTE',
    verdict: 'page of 4 KiB at 0x345678000, U/S=0',
  },
  {
    condition: 'SGN.4.1',
    given: 'a translated request beyond the host address width',
    arrange: () => given(SECOND),
    request: { translated: true, iova: 1n << 46n },
    step: 'address width',
    verdict: 'HAW: 46 bits: the translated address is beyond the host address width',
  },
  {
    condition: 'SGN.4.2',
    given: 'a pass-through request beyond the host address width',
    arrange: () => given(PASS_THROUGH),
    request: { iova: 1n << 46n },
    step: 'address width',
    verdict: 'HAW: 46 bits: the pass-through address is beyond the host address width',
  },
  {
    condition: 'SGN.5',
    given: 'an address of more bits than the second stage translates',
    arrange: () => given(SECOND),
    request: { iova: 1n << 48n },
    step: 'address width',
    verdict: '48 bits, the smaller of 57 (CAP.MGAW) and 48 (AW): the address is beyond the guest address width',
  },
  {
    condition: 'SGN.6',
    given: 'a write to a first-stage page that may only be read',
    arrange: () => given(FIRST, (machine) => machine.clearBits(machine.first[1], 2n)),
    request: { access: 'write' },
    step: 'FS-PTE',
    verdict: 'page of 4 KiB at 0x345678000, R/W=0',
  },
  {
    condition: 'SGN.6',
    given: 'a supervisor write under WPE',
    arrange: () =>
      given(FIRST, (machine) => {
        machine.changeEntry(2, (word) => word | 0x11n);
        machine.clearBits(machine.first[1], 6n);
      }),
    request: { access: 'write', pasid: PASID, privileged: true },
    step: 'FS-PTE',
    verdict: 'page of 4 KiB at 0x345678000, R/W=0',
  },
  {
    condition: 'SGN.6',
    given: 'a nested write to a page that the second stage lets be read',
    arrange: () => given(NESTED, (machine) => machine.clearBits(machine.second[1], 2n)),
    request: { access: 'write' },
    step: 'SS-PTE',
    verdict: 'page of 4 KiB at 0x345678000, W=0',
  },
  {
    condition: 'SGN.7',
    given: 'a read of a second-stage page that may only be written',
    arrange: () => given(SECOND, (machine) => machine.clearBits(machine.second[1], 1n)),
    step: 'SS-PTE',
    verdict: 'page of 4 KiB at 0x345678000, R=0',
  },
  {
    condition: 'SGN.8.1',
    given: 'a page that lies in the interrupt range',
    arrange: () => given(FIRST, (machine) => machine.redirect(machine.first[1], 0xfee00n)),
    step: 'result',
    verdict: 'in 0xFEEx_xxxx: the result lies in the interrupt range',
  },
  {
    condition: 'SGN.8.3',
    given: 'a translated request to the interrupt range',
    arrange: () => given(SECOND),
    request: { translated: true, iova: 0xfee0_0000 },
    step: 'result',
    verdict: 'in 0xFEEx_xxxx: a translated request to the interrupt range',
  },
  {
    condition: 'HPT.1',
    given: 'a host permission table outside of memory',
    arrange: () => given(SECOND, (machine) => machine.redirect(machine.permit(3n)[2] + 8, NOWHERE)),
    request: { translated: true, iova: PAGE },
    step: 'HPTL1E',
    verdict: CANNOT_BE_READ,
  },
  {
    condition: 'HPT.2',
    given: 'a reserved bit in a host permission entry',
    arrange: () => given(SECOND, (machine) => machine.setBits(machine.permit(3n)[3] + 8, 2n)),
    request: { translated: true, iova: PAGE },
    step: 'HPTL3E',
    verdict: 'reserved bit 65 (always reserved) set',
  },
  {
    condition: 'HPT.3',
    given: 'a top host permission table outside of memory',
    arrange: () =>
      given(SECOND, (machine) => {
        machine.permit(3n);
        machine.changeEntry(4, () => NOWHERE << 12n);
      }),
    request: { translated: true, iova: PAGE, pasid: PASID },
    step: 'HPTL4E',
    verdict: CANNOT_BE_READ,
  },
  {
    condition: 'HPT.4',
    given: 'a zero-length read that no permission allows',
    arrange: () => given(SECOND, (machine) => machine.permit(0n)),
    request: { translated: true, iova: PAGE, access: 'zero-length-read' },
    step: 'HPTL1E',
    verdict: 'PP24 grants nothing',
  },
  {
    condition: 'HPT.5',
    given: 'a write where only reads are permitted',
    arrange: () => given(SECOND, (machine) => machine.permit(1n)),
    request: { translated: true, iova: PAGE, access: 'write' },
    step: 'HPTL1E',
    verdict: 'PP24 grants r',
  },
  {
    condition: 'HPT.6',
    given: 'a read where the walk ends without a permission',
    arrange: () => given(SECOND, (machine) => machine.setWord(machine.permit(3n)[2] + 8, 0n)),
    request: { translated: true, iova: PAGE },
    step: 'HPTL2E',
    verdict: /^PP\d+ grants nothing, AV=0$/,
  },
];

/** Those that page requests and translation requests alone meet. */
const OUT_OF_REACH = ['RTA.3', 'SCT.8', 'SGN.8.2'];

describe('an explanation in scalable mode names what failed, its § and what to change (§7.1.3)', () => {
  test.each(CASES)('$condition: $given', ({ arrange, request, ...expected }) => {
    const machine = arrange();
    const explanation = machine.explain(request);
    expectExplained(explanation, expected);
    // and the translation meets the same
    const { iova = IOVA, access, pasid, ...attributes } = request ?? {};
    const answer = machine.unit.region(0x0193, pasid).translate(iova, access, attributes);
    expect(answer).toMatchObject({ ok: false, fault: { condition: expected.condition } });
  });

  test('and each condition of scalable mode is among these cases', () => {
    const met = new Set([...CASES.map(({ condition }) => condition), ...OUT_OF_REACH]);
    expect(SCALABLE_CONDITIONS.map(({ name }) => name).filter((name) => !met.has(name))).toEqual([]);
  });
});

describe('FPD in any structure keeps a qualified condition from being recorded (§7.1.1)', () => {
  test.each<[string, Change]>([
    ['scalable context entry', (machine) => machine.setBits(machine.context, 2n)],
    ['PASID directory entry', (machine) => machine.setBits(machine.directory, 2n)],
    ['PASID entry', (machine) => machine.changeEntry(0, (word) => word | 2n)],
  ])('in the %s', (structure, change) => {
    const machine = given(SECOND, change);
    machine.setWord(machine.second[1], 0n);
    const { fault, text } = machine.explain();
    expect(fault).toMatchObject({ condition: 'SSS.2', record: 'disabled' });
    expect(text).toContain(`record: none, because FPD=1 in the ${structure} (§7.1.1)`);
  });

  test('also of the last one that was met, in which P=0 (§9.6)', () => {
    const machine = given(SECOND, (each) => each.changeEntry(0, () => 2n));
    expect(machine.explain().fault).toMatchObject({ condition: 'SPT.2', record: 'disabled' });
  });

  test('but not in one that a translated request does not come to (§4.2.5)', () => {
    const machine = given(SECOND, (each) => each.changeEntry(0, (word) => word | 2n));
    const { fault, text } = machine.explain({ translated: true, iova: 1n << 46n });
    expect(fault).toMatchObject({ condition: 'SGN.4.1', record: 'recorded' });
    expect(text).not.toContain('PASID entry');
  });
});
