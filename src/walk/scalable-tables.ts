import type { GuestMemory } from '../memory/guest-memory.js';
import type { Capabilities } from '../regs/capabilities.js';
import {
  PASID_DIRECTORY_ENTRY,
  PASID_ENTRIES,
  SCALABLE_CONTEXT_ENTRY,
  SCALABLE_ROOT_HALF,
} from '../tables/scalable.js';
import { conditionId, OK } from './conditions.js';
import { EntryReader } from './entry-reader.js';
import { guestWidth, supportsWidth } from './guest-width.js';
import { HostPermissions } from './host-permissions.js';
import type { WalkObserver } from './observer.js';
import { entryFrame } from './page-walk.js';
import { REQUEST } from './request-kind.js';
import {
  type Context,
  type DeviceAccess,
  type PasidEntries,
  type PasidEntry,
  plainRequester,
  type Requester,
  stopped,
} from './requester.js';
import { type Stage, stage } from './stage.js';
import { firstStage, type StageRules, scalableSecondStage } from './stage-rules.js';

const SRT_1 = conditionId('SRT.1');
const SRT_2 = conditionId('SRT.2');
const SRT_3 = conditionId('SRT.3');
const SCT_1 = conditionId('SCT.1');
const SCT_2 = conditionId('SCT.2');
const SCT_3 = conditionId('SCT.3');
const SCT_4_1 = conditionId('SCT.4.1');
const SCT_4_2 = conditionId('SCT.4.2');
const SCT_4_3 = conditionId('SCT.4.3');
const SCT_5 = conditionId('SCT.5');
const SCT_6 = conditionId('SCT.6');
const SCT_7 = conditionId('SCT.7');
const SCT_8 = conditionId('SCT.8');
const SCT_9 = conditionId('SCT.9');
const SCT_10 = conditionId('SCT.10');
const SGN_10 = conditionId('SGN.10');
const SPD_1 = conditionId('SPD.1');
const SPD_2 = conditionId('SPD.2');
const SPD_3 = conditionId('SPD.3');
const SPT_1 = conditionId('SPT.1');
const SPT_2 = conditionId('SPT.2');
const SPT_3 = conditionId('SPT.3');
const SPT_4_1 = conditionId('SPT.4.1');
const SPT_4_2 = conditionId('SPT.4.2');
const SPT_4_3 = conditionId('SPT.4.3');
const SPT_4_4 = conditionId('SPT.4.4');
const SPT_6 = conditionId('SPT.6');

/** PASID-granular translation types (§9.6). */
const FIRST = 1;
const SECOND = 2;
const NESTED = 3;
const PASS_THROUGH = 4;

/** Resolves source-ids and PASIDs in the tables of scalable mode (§3.4.3; translation.md §5). */
export class ScalableTables {
  readonly #memory: GuestMemory;
  readonly #capabilities: Capabilities;
  readonly #coherent: boolean;
  readonly #roots: EntryReader;
  readonly #contexts: EntryReader;
  readonly #directories: EntryReader;
  /** By translation type. */
  readonly #pasids: readonly EntryReader[];
  readonly #firstRules: StageRules;
  readonly #secondRules: StageRules;
  readonly #ioRules: StageRules;

  /** @param coherent - every walk is snooped */
  constructor(memory: GuestMemory, capabilities: Capabilities, coherent: boolean) {
    this.#memory = memory;
    this.#coherent = coherent;
    this.#capabilities = capabilities;
    this.#roots = new EntryReader(memory, capabilities, SCALABLE_ROOT_HALF);
    this.#contexts = new EntryReader(memory, capabilities, SCALABLE_CONTEXT_ENTRY);
    this.#directories = new EntryReader(memory, capabilities, PASID_DIRECTORY_ENTRY);
    this.#pasids = PASID_ENTRIES.map((format) => new EntryReader(memory, capabilities, format));
    this.#firstRules = firstStage(capabilities);
    this.#secondRules = scalableSecondStage(capabilities, false);
    this.#ioRules = scalableSecondStage(capabilities, true);
  }

  /**
   * Reads the root half and the context entry of a requester.
   *
   * @param rootTable - page number of the root table
   * @param sourceId - 16-bit requester id
   */
  context(rootTable: number, sourceId: number, observer: WalkObserver | null): Context {
    const bus = sourceId >> 8;
    const half = (sourceId >> 7) & 1;
    const root = this.#roots.read(rootTable, 2 * bus + half, observer);
    // both halves are one access (§9)
    if (root === undefined || !this.#memory.loadEntry(rootTable, 2 * bus + (half ^ 1))) return stopped(SRT_1, false);
    if ((root[0] & 1) === 0) return stopped(SRT_2, false);
    if (this.#roots.violates(root)) return stopped(SRT_3, false);

    const words = this.#contexts.read(entryFrame(root[0], root[1]), sourceId & 0x7f, observer);
    return words === undefined ? stopped(SCT_1, false) : this.contextOf(words);
  }

  /** What the eight words of a context entry say. */
  contextOf(words: readonly number[]): Context {
    // FPD counts even in an entry that is not present (§9.4)
    const faultsDisabled = (words[0] & 2) !== 0;
    const condition = this.contextCondition(words);
    if (condition !== OK) return stopped(condition, faultsDisabled, words);
    return {
      condition: OK,
      domainId: 0,
      words,
      requester: (pasid, entries, kind) =>
        kind === REQUEST.page ? this.pageRequester(words, pasid, entries) : this.requester(words, pasid, entries, kind),
    };
  }

  /** What is wrong with a context entry, whatever the request. */
  private contextCondition(context: readonly number[]): number {
    const { deviceTlb, pageRequests, pasids, translatedPasids, ridPasid, mostPasid } = fieldsOf(context);
    if ((context[0] & 1) === 0) return SCT_2;
    if (this.#contexts.violates(context)) return SCT_3;
    if (pageRequests && !deviceTlb) return SCT_4_1;
    if (ridPasid > mostPasid) return SCT_4_2;
    return translatedPasids && !pasids ? SCT_4_3 : OK;
  }

  private requester(
    context: readonly number[],
    pasid: number | undefined,
    entries: PasidEntries,
    kind: number | undefined,
  ): Requester {
    const { faultsDisabled, deviceTlb, directory, ridPasid, ridPrivileged, checked } = fieldsOf(context);
    const effective = pasid ?? ridPasid;
    const condition = this.pasidCondition(context, pasid, false);
    const deviceCondition = this.pasidCondition(context, pasid, true);
    const ends = kind === REQUEST.translated || (kind === REQUEST.translation && !deviceTlb);
    const needsEntry = !ends && condition === OK;
    const ofDevice = kind === undefined || kind === REQUEST.translated;
    const deviceNeedsEntry = ofDevice && deviceCondition === OK && checked;
    const entry = needsEntry || deviceNeedsEntry ? entries.entry(directory, effective) : undefined;
    const device: DeviceAccess = {
      forbidden: deviceTlb ? OK : SCT_5,
      condition: deviceCondition !== OK || !checked ? deviceCondition : (entry?.condition ?? OK),
      faultsDisabled: faultsDisabled || (checked && deviceCondition === OK && entry?.faultsDisabled === true),
      permissions: deviceCondition === OK && checked ? entry?.permissions : undefined,
    };
    if (condition !== OK || entry === undefined) {
      return plainRequester({ condition, faultsDisabled, pasid: effective, device });
    }
    const privileged = pasid === undefined && ridPrivileged;
    const refused = entry.condition === OK && privileged && !entry.supervisor;
    const { domainId, first, second, supervisor, snooped } = entry;
    return plainRequester({
      domainId,
      first,
      second,
      supervisor,
      snooped,
      condition: refused ? SPT_6 : entry.condition,
      faultsDisabled: faultsDisabled || entry.faultsDisabled,
      pasid: effective,
      privileged,
      device,
    });
  }

  /** Page requests are neither privileged nor too wide here: software judges them (§7.1.3). */
  private pageRequester(context: readonly number[], pasid: number | undefined, entries: PasidEntries): Requester {
    const { faultsDisabled, pasids, pageRequests, directory, ridPasid, mostPasid } = fieldsOf(context);
    const refused = (condition: number) => plainRequester({ condition, faultsDisabled });
    if (pasid !== undefined && !pasids) return refused(SCT_6);
    if (!pageRequests) return refused(SCT_8);
    if (pasid !== undefined && pasid > mostPasid) return refused(SCT_7);
    if (pasid === ridPasid) return refused(SCT_9);
    const effective = pasid ?? ridPasid;
    const entry = entries.entry(directory, effective);
    return plainRequester({
      condition: entry.condition,
      faultsDisabled: faultsDisabled || entry.faultsDisabled,
      domainId: entry.domainId,
      pasid: effective,
      first: entry.first,
      second: entry.second,
    });
  }

  /** What keeps a request from a PASID entry: what it carries, and what the context entry allows. */
  private pasidCondition(context: readonly number[], pasid: number | undefined, translated: boolean): number {
    const { deviceTlb, pasids, translatedPasids, ridPasid, mostPasid } = fieldsOf(context);
    if (translated && !deviceTlb) return SCT_5;
    if (pasid === undefined) return OK;
    if (!translated && !pasids) return SCT_6;
    if (translated && !translatedPasids) return SCT_10;
    if (pasid > mostPasid) return SCT_7;
    if (pasid === ridPasid) return SCT_9;
    return pasid >= 2 ** (this.#capabilities.get('ECAP.PSS') + 1) ? SGN_10 : OK;
  }

  /**
   * Reads the PASID directory entry and the PASID entry of a PASID.
   *
   * @param directory - page number of the PASID directory
   * @param ioRights - RTADDR.SSIRWE as it was latched
   */
  pasidEntry(directory: number, pasid: number, ioRights: boolean, observer: WalkObserver | null): PasidEntry {
    const outer = this.#directories.read(directory, pasid >> 6, observer);
    if (outer === undefined) return bad(SPD_1, false);
    const faultsDisabled = (outer[0] & 2) !== 0;
    if ((outer[0] & 1) === 0) return bad(SPD_2, faultsDisabled);
    if (this.#directories.violates(outer)) return bad(SPD_3, faultsDisabled);

    const entry = (this.#pasids[0] as EntryReader).read(entryFrame(outer[0], outer[1]), pasid & 63, observer);
    return entry === undefined ? bad(SPT_1, faultsDisabled) : this.pasidEntryOf(entry, faultsDisabled, ioRights);
  }

  /**
   * What the sixteen words of a PASID entry say.
   *
   * @param directoryDisabled - FPD of the directory entry
   */
  pasidEntryOf(entry: readonly number[], directoryDisabled: boolean, ioRights: boolean): PasidEntry {
    const faultsDisabled = directoryDisabled || (entry[0] & 2) !== 0;
    const condition = this.entryCondition(entry);
    if (condition !== OK) return bad(condition, faultsDisabled);
    const type = (entry[0] >> 6) & 7;
    return {
      condition: OK,
      faultsDisabled,
      origin: { words: entry, directoryDisabled, ioRights },
      domainId: entry[2] & 0xffff,
      first: type === FIRST || type === NESTED ? this.first(entry) : undefined,
      second: type === SECOND || type === NESTED ? this.second(entry, ioRights) : undefined,
      supervisor: (entry[4] & 1) !== 0,
      snooped: (entry[2] & (1 << 24)) !== 0,
      permissions: this.#capabilities.has('ECAP.HPTS')
        ? new HostPermissions(this.#memory, this.#capabilities, entryFrame(entry[8], entry[9]), entry[8] & 3)
        : undefined,
    };
  }

  private entryCondition(entry: readonly number[]): number {
    if ((entry[0] & 1) === 0) return SPT_2;
    const type = (entry[0] >> 6) & 7;
    if ((this.#pasids[type] as EntryReader).violates(entry)) return SPT_3;
    const width = (entry[0] >> 2) & 7;
    const paging = (entry[4] >> 2) & 3;
    if ((type === SECOND || type === NESTED) && !supportsWidth(this.#capabilities, width)) return SPT_4_1;
    if (!this.supportsType(type)) return SPT_4_2;
    if (type !== FIRST && type !== NESTED) return OK;
    if (paging > 1 || (paging === 1 && !this.#capabilities.has('CAP.FS5LP'))) return SPT_4_3;
    // the pointer of a nested first stage is a guest address
    const guestPages = 2 ** (guestWidth(this.#capabilities, width + 2) - 12);
    return type === NESTED && entryFrame(entry[4], entry[5]) >= guestPages ? SPT_4_4 : OK;
  }

  /** PWSNP, which is reserved without ECAP.SMPWCS. */
  private isSnooped(entry: readonly number[]): boolean {
    return this.#coherent || (entry[2] & (1 << 23)) !== 0;
  }

  private supportsType(type: number): boolean {
    const needs = {
      [FIRST]: 'ECAP.FSTS',
      [SECOND]: 'ECAP.SSTS',
      [NESTED]: 'ECAP.NEST',
      [PASS_THROUGH]: 'ECAP.PT',
    } as const;
    const name = needs[type as keyof typeof needs];
    return name !== undefined && this.#capabilities.has(name);
  }

  private first(entry: readonly number[]): Stage {
    const fiveLevels = ((entry[4] >> 2) & 3) === 1;
    const extended = (entry[4] & 0x80) !== 0;
    return stage({
      rules: this.#firstRules,
      table: entryFrame(entry[4], entry[5]),
      levels: fiveLevels ? 5 : 4,
      addressBits: fiveLevels ? 57 : 48,
      accessed: this.#firstRules.accessed | (extended ? EXTENDED_ACCESSED : 0),
      dirty: this.#firstRules.dirty,
      snooped: this.isSnooped(entry),
      writeProtected: (entry[4] & 0x10) !== 0,
    });
  }

  private second(entry: readonly number[], ioRights: boolean): Stage {
    const rules = ioRights ? this.#ioRules : this.#secondRules;
    const levels = ((entry[0] >> 2) & 7) + 2;
    const flags = (entry[0] & 0x200) !== 0;
    return stage({
      rules,
      table: entryFrame(entry[0], entry[1]),
      levels,
      addressBits: guestWidth(this.#capabilities, levels),
      accessed: flags ? rules.accessed : 0,
      dirty: flags ? rules.dirty : 0,
      snooped: this.isSnooped(entry),
    });
  }
}

/** EA of a first-stage entry, with EAFE. */
const EXTENDED_ACCESSED = 0x400;

/** The fields of a scalable context entry (§9.4). */
function fieldsOf([lo, hi, rid]: readonly number[]) {
  return {
    faultsDisabled: (lo & 2) !== 0,
    deviceTlb: (lo & 4) !== 0,
    pasids: (lo & 8) !== 0,
    pageRequests: (lo & 0x10) !== 0,
    checked: (lo & 0x20) !== 0,
    translatedPasids: (lo & 0x40) !== 0,
    mostPasid: 2 ** (((lo >> 9) & 7) + 13) - 1,
    directory: entryFrame(lo, hi),
    ridPasid: rid & 0xf_ffff,
    ridPrivileged: (rid & 0x10_0000) !== 0,
  };
}

function bad(condition: number, faultsDisabled: boolean): PasidEntry {
  return {
    condition,
    faultsDisabled,
    origin: undefined,
    domainId: 0,
    first: undefined,
    second: undefined,
    supervisor: false,
    snooped: false,
    permissions: undefined,
  };
}
