import { conditionId } from '../walk/conditions.js';
import { READ, WRITE } from '../walk/rights.js';
import type { Stage } from '../walk/stage.js';
import { entryRights, USER } from '../walk/stage-rules.js';
import type { Trace, TracedRead } from './trace.js';

const SGN_2 = conditionId('SGN.2');
const SFS_6 = conditionId('SFS.6');
const SFS_7 = conditionId('SFS.7');
const SFS_8 = conditionId('SFS.8');

const READ_WRITE = READ | WRITE;
const ALL = READ_WRITE | USER;

/** What each entry that was read leaves of the rights for the request; `undefined` for those that give none. */
export function remainingRights({ reads, requester, privileged }: Trace): (number | undefined)[] {
  const firstStage = requester?.first;
  let first = ALL;
  let page = READ_WRITE;
  let table = READ_WRITE;
  return reads.map((read) => {
    const { stage, words, level, forTable } = read;
    if (stage === undefined || words.length === 0) return undefined;
    const own = rightsOf(read);
    if (forTable) {
      table = (level === stage.levels ? READ_WRITE : table) & own;
      return table;
    }
    if (stage.rules.first) first &= own;
    else page &= own;
    return firstStage === undefined ? page : page & firstStageRights(firstStage, first, privileged);
  });
}

/** What the rights of a first stage are to a request (§3.6.1): without WPE supervisors may write what they may read. */
function firstStageRights({ writeProtected }: Stage, rights: number, privileged: boolean): number {
  if (privileged) return writeProtected ? rights & READ_WRITE : rights | WRITE;
  return (rights & USER) !== 0 ? rights & READ_WRITE : 0;
}

function rightsOf({ stage, words }: TracedRead): number {
  return stage === undefined ? ALL : entryRights(stage.rules, words[0], words[1]);
}

/** The entries that lack the right for want of which a request is stopped, each with what it lacks. */
export function lackingEntries({ condition, reads }: Trace): ReadonlyMap<TracedRead, number> {
  const forTable = condition === SFS_6 || condition === SFS_7;
  const walked = reads.filter((read) => read.forTable === forTable && read.stage !== undefined);
  const stage = walked[walked.length - 1]?.stage;
  if (stage === undefined) return new Map();
  const wanted = wantedRight(condition, stage);
  // several walks may have been made through a stage: the last one failed
  const begin = walked.map(({ level }) => level).lastIndexOf(stage.levels);
  return new Map(
    walked
      .slice(begin)
      .map((read) => [read, wanted & ~rightsOf(read)] as const)
      .filter(([, lacks]) => lacks !== 0),
  );
}

function wantedRight(condition: number, { accessed, rules: { conditions } }: Stage): number {
  switch (condition) {
    case SFS_6:
    case SFS_7:
      // with flags of its own the second stage counts every access to a first-stage entry as a write (§3.8.1)
      return accessed === 0 ? READ : READ_WRITE;
    case conditions.noWrite:
      return WRITE;
    case conditions.noRead:
      return READ;
    case SGN_2:
      return USER;
    default:
      return 0;
  }
}

/** Whether the request is stopped because a flag cannot be set. */
export function isFlagCondition({ condition, marked }: Trace): boolean {
  const conditions = marked?.stage?.rules.conditions;
  if (conditions === undefined) return false;
  return condition === SFS_8 || condition === conditions.notSnooped || condition === conditions.notUpdated;
}

/** The names of flags that stand in an entry's low word. */
export function flagNames({ format }: TracedRead, flags: number): string[] {
  return format.fields.filter(({ bits: [, low] }) => low < 32 && (flags >>> low) & 1).map(({ name }) => name);
}

/** Rights that an entry lacks, by the names that its stage has for them: `R=0`, `U/S=0`. */
export function lackText({ stage }: TracedRead, lacks: number): string {
  const rules = stage?.rules;
  const names = rules?.first ? ['P', 'R/W', 'U/S'] : rules?.rightsInLow ? ['R', 'W'] : ['IR', 'IW'];
  return names
    .filter((_, bit) => (lacks >> bit) & 1)
    .map((name) => `${name}=0`)
    .join(', ');
}
