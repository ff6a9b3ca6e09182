// Adds up the reports of several test runs and prints one line: `N passed, N failed[, N skipped]`.
// Arguments: the report files (vitest's JSON). A report that is missing counts as one failure.
import { readFileSync } from 'node:fs';

/** @typedef {{ status: string, message?: string, name: string, assertionResults: { status: string }[] }} TestFile */

const totals = { passed: 0, failed: 0, skipped: 0 };

/** @param {TestFile} file */
function add(file) {
  let failed = 0;
  for (const { status } of file.assertionResults) {
    if (status === 'passed') totals.passed++;
    else if (status === 'failed') failed++;
    else totals.skipped++;
  }
  // A file that could not be loaded, or whose hook threw, is failed without a failed test in it.
  if (file.status === 'failed' && failed === 0) {
    console.error(`${file.name}: ${file.message?.trim() || 'failed outside its tests'}`);
    failed = 1;
  }
  totals.failed += failed;
}

for (const path of process.argv.slice(2)) {
  try {
    JSON.parse(readFileSync(path, 'utf8')).testResults.forEach(add);
  } catch (error) {
    console.error(`no report of a test run: ${error instanceof Error ? error.message : error}`);
    totals.failed++;
  }
}

const skipped = totals.skipped === 0 ? '' : `, ${totals.skipped} skipped`;
console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1;
