/** faults.md: code and Q column of every condition that a read, write or AtomicOp can meet. */
const conditions = {
  // §7
  '0x29': { code: 0x29, qualified: false },
  // §3
  'RTA.1.1': { code: 0x30, qualified: false },
  'RTA.1.2': { code: 0x30, qualified: false },
  'RTA.1.3': { code: 0x30, qualified: false },
  'RTA.1.4': { code: 0x30, qualified: false },
  'RTA.2': { code: 0x31, qualified: false },
  'RTA.4': { code: 0x33, qualified: false },
  'RTA.5': { code: 0x34, qualified: false },
  // §2
  'LRT.1': { code: 0x08, qualified: false },
  'LRT.2': { code: 0x01, qualified: false },
  'LRT.3': { code: 0x0a, qualified: false },
  'LCT.1': { code: 0x09, qualified: false },
  'LCT.2': { code: 0x02, qualified: true },
  'LCT.3': { code: 0x0b, qualified: true },
  'LCT.4.1': { code: 0x03, qualified: true },
  'LCT.4.2': { code: 0x03, qualified: true },
  'LCT.4.3': { code: 0x03, qualified: true },
  'LCT.5': { code: 0x0d, qualified: true },
  'LSS.1': { code: 0x07, qualified: true },
  'LSS.2': { code: 0x0c, qualified: true },
  'LGN.1.1': { code: 0x04, qualified: true },
  'LGN.1.2': { code: 0x04, qualified: true },
  'LGN.1.3': { code: 0x04, qualified: true },
  'LGN.2': { code: 0x05, qualified: true },
  'LGN.3': { code: 0x06, qualified: true },
  'LGN.4': { code: 0x0e, qualified: true },
  // §4; SCT.8 is for page requests
  'SRT.1': { code: 0x38, qualified: false },
  'SRT.2': { code: 0x39, qualified: false },
  'SRT.3': { code: 0x3a, qualified: false },
  'SCT.1': { code: 0x40, qualified: false },
  'SCT.2': { code: 0x41, qualified: true },
  'SCT.3': { code: 0x42, qualified: true },
  'SCT.4.1': { code: 0x43, qualified: true },
  'SCT.4.2': { code: 0x43, qualified: true },
  'SCT.4.3': { code: 0x43, qualified: true },
  'SCT.5': { code: 0x44, qualified: true },
  'SCT.6': { code: 0x45, qualified: true },
  'SCT.7': { code: 0x46, qualified: true },
  'SCT.9': { code: 0x48, qualified: true },
  'SCT.10': { code: 0x49, qualified: true },
  'SPD.1': { code: 0x50, qualified: false },
  'SPD.2': { code: 0x51, qualified: true },
  'SPD.3': { code: 0x52, qualified: true },
  'SPT.1': { code: 0x58, qualified: false },
  'SPT.2': { code: 0x59, qualified: true },
  'SPT.3': { code: 0x5a, qualified: true },
  'SPT.4.1': { code: 0x5b, qualified: true },
  'SPT.4.2': { code: 0x5b, qualified: true },
  'SPT.4.3': { code: 0x5b, qualified: true },
  'SPT.4.4': { code: 0x5b, qualified: true },
  'SPT.5': { code: 0x5c, qualified: true },
  'SPT.6': { code: 0x5d, qualified: true },
  'SPT.9': { code: 0x60, qualified: true },
  // §5; SGN.8.2 is for translation requests
  'SFS.1': { code: 0x70, qualified: true },
  'SFS.2': { code: 0x71, qualified: true },
  'SFS.3': { code: 0x72, qualified: true },
  'SFS.4': { code: 0x73, qualified: true },
  'SFS.5': { code: 0x74, qualified: true },
  'SFS.6': { code: 0x75, qualified: true },
  'SFS.7': { code: 0x76, qualified: true },
  'SFS.8': { code: 0x77, qualified: true },
  'SFS.9': { code: 0x90, qualified: true },
  'SFS.10': { code: 0x91, qualified: true },
  'SSS.1': { code: 0x78, qualified: true },
  'SSS.2': { code: 0x79, qualified: true },
  'SSS.3': { code: 0x7a, qualified: true },
  'SSS.4': { code: 0x7b, qualified: true },
  'SSS.5': { code: 0x7c, qualified: true },
  'SSS.6': { code: 0x7d, qualified: true },
  'SGN.1': { code: 0x80, qualified: true },
  'SGN.2': { code: 0x81, qualified: true },
  'SGN.4.1': { code: 0x83, qualified: true },
  'SGN.4.2': { code: 0x83, qualified: true },
  'SGN.5': { code: 0x84, qualified: true },
  'SGN.6': { code: 0x85, qualified: true },
  'SGN.7': { code: 0x86, qualified: true },
  'SGN.8.1': { code: 0x87, qualified: true },
  'SGN.8.3': { code: 0x87, qualified: true },
  'SGN.10': { code: 0x89, qualified: true },
  'HPT.1': { code: 0xa0, qualified: true },
  'HPT.2': { code: 0xa1, qualified: true },
  'HPT.3': { code: 0xa2, qualified: true },
  'HPT.4': { code: 0xa3, qualified: true },
  'HPT.5': { code: 0xa4, qualified: true },
  'HPT.6': { code: 0xa5, qualified: true },
} as const;

export type Condition = keyof typeof conditions;

/** What a condition is called in a fault record, and whether FPD keeps it out of the log. */
export function conditionRow(condition: Condition): { code: number; qualified: boolean } {
  return conditions[condition];
}

/** The conditions that only scalable mode has, as faults.md §4 and §5 list them. */
export const scalableConditions = (Object.keys(conditions) as Condition[]).filter((name) => /^(S|HPT)/.test(name));

/** Thrown where a request meets a condition; whoever has the request in hand makes a fault of it. */
export class ConditionMet extends Error {
  readonly condition: Condition;

  constructor(condition: Condition) {
    super(condition);
    this.condition = condition;
  }
}
