import { showRegisters } from '../../regs/register-dump.js';
import { parseArguments } from '../args.js';
import { loadModelled, type ModelledCapture } from '../captures/load.js';
import { MappingReader } from '../captures/mappings.js';
import { loadOracle } from '../captures/probes.js';
import { readTables, requesterName } from '../captures/requesters.js';
import { answersText, checkAnswers, explainedText } from '../demo/answers.js';
import { type CheckedRequester, checkRequester, checkTable, mappingTable, requesterTable } from '../demo/requesters.js';
import { count } from '../format.js';
import type { Io } from '../io.js';
import { heading, table } from '../table.js';
import { originText, registerTable } from './dump.js';

export const usage = `vtd demo [CAPTURE]

Shows what the model makes of the IOMMU of a captured Linux guest, and checks it all: the registers, the devices and
their domains, every live mapping, that translate and replay agree on each page and each hole, that the model answers
QEMU's probes as QEMU does, and why they fault. Exits with 1 if anything disagrees. Without CAPTURE it takes one that
comes with the package.
`;

const BUNDLED = 'legacy48-vfio';

export async function run(args: string[], io: Io): Promise<number> {
  const { positionals } = parseArguments(args, ['[CAPTURE]'], {});
  const begin = performance.now();
  const capture = loadModelled(positionals[0] ?? BUNDLED);
  const oracle = loadOracle(capture);
  const progress = (text: string) => io.isTTY && io.stderr.write(`\r\x1b[K${text}`);
  const print = (title: string, text: string) => {
    progress('');
    io.stdout.write(heading(title) + text);
  };

  // tables that cannot be listed are found out before anything is printed
  const reader = new MappingReader(capture.unit);
  const { requesters } = readTables(capture);
  const checked = requesters.map((requester, index) => {
    progress(`${requesterName(requester)}: translating all that is mapped (${index + 1} of ${requesters.length})`);
    return checkRequester(capture, reader, requester);
  });

  progress('');
  io.stdout.write(`${originText(capture)}\n`);
  print('Registers', registersText(capture));
  print('Devices and their domains', requesterTable(checked));
  print('Live mappings, by replay', mappingTable(checked));
  print('Translate agrees with replay', checkTable(checked));
  progress(`asking ${count(oracle.dma.length + oracle.msi.length)} probes`);
  const answers = checkAnswers(capture, oracle);
  print("QEMU's answers", answersText(answers));
  print('One of these faults, explained', explainedText(capture, answers));
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  print('Totals', totals(checked, answers.rows, seconds));

  const disagreements = checked.reduce((sum, { agreement }) => sum + (agreement?.disagreements.length ?? 0), 0);
  return disagreements + answers.counts.different > 0 ? 1 : 0;
}

function registersText({ registers, capabilities }: ModelledCapture): string {
  return registerTable(showRegisters(registers, capabilities).filter(({ value }) => value !== 0n));
}

function totals(checked: readonly CheckedRequester[], probes: readonly string[][], seconds: string): string {
  const sum = (value: (each: CheckedRequester) => number) =>
    count(checked.reduce((total, each) => total + value(each), 0));
  return table(
    ['', '>', ''],
    [
      [
        'devices',
        count(checked.length),
        `in ${new Set(checked.map((each) => each.requester.requester.domainId)).size} domains`,
      ],
      [
        'mappings',
        sum(({ summary }) => summary?.pages ?? 0),
        `pages, in ${sum(({ summary }) => summary?.runs ?? 0)} runs`,
      ],
      ['translations', sum(({ agreement }) => agreement?.translations ?? 0), 'compared with replay'],
      ['', sum(({ agreement }) => agreement?.disagreements.length ?? 0), 'of them disagree'],
      ...probes,
      ['time', seconds, 'seconds'],
    ],
  );
}
