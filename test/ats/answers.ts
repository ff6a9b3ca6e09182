/** faults.md: the conditions by what translation requests get (column T), where one can meet them. */
const translation = {
  UR: 'LRT.2 LCT.2 LCT.5 RTA.2 RTA.4 RTA.5 SRT.2 SCT.2 SCT.5 SCT.6 SCT.7 SCT.9 SGN.10',
  CA:
    'LRT.1 LRT.3 LCT.1 LCT.3 LCT.4.1 LCT.4.2 LCT.4.3 LSS.1 LSS.2 LGN.4 RTA.1.1 RTA.1.2 RTA.1.3 RTA.1.4 SRT.1 SRT.3 ' +
    'SCT.1 SCT.3 SCT.4.1 SCT.4.2 SCT.4.3 SPD.1 SPD.3 SPT.1 SPT.3 SPT.4.1 SPT.4.2 SPT.4.3 SPT.4.4 ' +
    'SSS.1 SSS.3 SSS.4 SSS.5 SSS.6 SGN.8.2',
  S0:
    'LGN.1.1 SPD.2 SPT.2 SPT.5 SPT.6 SFS.1 SFS.2 SFS.3 SFS.4 SFS.5 SFS.6 SFS.7 SFS.8 SFS.9 SSS.2 ' +
    'SGN.1 SGN.2 SGN.4.2 SGN.5',
  'S0+log': 'SFS.10',
  SE: 'LGN.2 LGN.3 SGN.6 SGN.7',
} as const;

/** Column X: those that a translated request can meet. */
const translated = {
  UR:
    'LRT.1 LRT.2 LRT.3 LCT.1 LCT.2 LCT.3 LCT.4.1 LCT.4.2 LCT.5 LGN.1.2 LGN.4 RTA.1.1 RTA.1.2 RTA.1.3 RTA.1.4 RTA.2 RTA.4 ' +
    'RTA.5 SRT.1 SRT.2 SRT.3 SCT.1 SCT.2 SCT.3 SCT.4.1 SCT.4.2 SCT.4.3 SCT.5 SCT.7 SCT.9 SCT.10 SPD.2 SPT.2 SPT.9 ' +
    'SGN.4.1 SGN.8.3 SGN.10 HPT.4 HPT.5 HPT.6',
  CA: 'SPD.1 SPD.3 SPT.1 SPT.3 SPT.4.1 SPT.4.2 SPT.4.3 SPT.4.4 HPT.1 HPT.2 HPT.3',
} as const;

/** Column PR: those that keep a page request from the queue. */
const page = {
  IR:
    'RTA.1.1 RTA.1.2 RTA.1.3 RTA.3 RTA.4 SRT.1 SRT.2 SRT.3 SCT.1 SCT.2 SCT.3 SCT.4.1 SCT.4.2 SCT.4.3 SCT.6 SCT.7 SCT.8 SCT.9 ' +
    'SPD.1 SPD.2 SPD.3 SPT.1 SPT.2 SPT.3 SPT.4.1 SPT.4.2 SPT.4.3 SPT.4.4',
} as const;

function byCondition<Answer extends string>(table: Readonly<Record<Answer, string>>): ReadonlyMap<string, Answer> {
  const rows = Object.entries<string>(table).flatMap(([answer, names]) =>
    names.split(' ').map((name) => [name, answer as Answer] as const),
  );
  return new Map(rows);
}

/** The answers of §7.1.3, Table 30, by condition. */
export const answers = {
  translation: byCondition(translation),
  translated: byCondition(translated),
  page: byCondition(page),
} as const;
