// Boots Linux in v86, with its DMA remapped, on this terminal: npm run example:linux [-- --keys KEYS]
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { guestImages } from './guest-images.js';
import { attack, makeMachine } from './machine.js';
import { PROMPT } from './prompt.js';
import { StatusLine } from './status-line.js';
import { UnitWatch } from './watch.js';

const HELP = `Linux in v86, behind a model of Intel's IOMMU. Keys, after Ctrl-A:
  m  mappings of each device      d  a DMA attack by the disk controller
  e  explain the last fault       x  quit            Ctrl-A  Ctrl-A itself
--keys KEYS presses keys when the shell is there. Without a terminal to type on: --keys mdex`;

const CTRL_A = '\x01';
const STATUS_MS = 500;
const BOOT_SECONDS = 150;
const REPORT_SECONDS = 20;

/** Of a device no more runs are listed. */
const MOST_RUNS = 16;

/** The end of the guest's console, in which is searched. */
const TAIL = 4000;

const { values } = parseArgs({ options: { keys: { type: 'string' }, help: { type: 'boolean' } } });
const { stdin, stdout } = process;
if (values.help) {
  console.log(HELP);
  process.exit();
}

const images = imagesOrExit();
const screen = new StatusLine(stdout);
process.on('exit', () => screen.close());
const machine = await makeMachine({
  images,
  wasm: createRequire(import.meta.url).resolve('v86/build/v86.wasm'),
  console: screen.size,
});
const watch = new UnitWatch(machine);
screen.print(HELP);

let tail = '';
let escaped = false;
machine.emulator.add_listener('serial0-output-byte', (byte) => {
  tail = (tail + String.fromCharCode(byte)).slice(-TAIL);
  screen.write(Uint8Array.of(byte));
});
setInterval(() => screen.show(`${statusText()}  keys: Ctrl-A ?`), STATUS_MS);
if (stdin.isTTY) {
  stdin.setRawMode(true);
  stdin.setEncoding('latin1');
  stdin.on('data', (data) => {
    for (const key of String(data)) type(key);
  });
}
await machine.emulator.run();
await pressed(values.keys ?? (stdin.isTTY ? '' : 'mdex'));

/** The images as v86 takes them. */
function imagesOrExit() {
  try {
    const images = Object.entries(guestImages()).map(([name, data]) => [name, { buffer: new Uint8Array(data).buffer }]);
    return /** @type {import('./machine.js').Images} */ (Object.fromEntries(images));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

/**
 * A key of the person at the terminal: the guest's, but after Ctrl-A ours.
 *
 * @param {string} key
 */
function type(key) {
  if (escaped && key !== CTRL_A) press(key);
  else if (escaped || key !== CTRL_A) machine.emulator.serial0_send(key);
  escaped = !escaped && key === CTRL_A;
}

/** @param {string} key */
function press(key) {
  if (key === 'm') screen.print(mappingsText());
  else if (key === 'e') screen.print(watch.faults[0]?.explanation() ?? 'no fault yet: Ctrl-A d makes one');
  else if (key === 'd') screen.print(attack(machine));
  else if (key === 'x') quit();
  else screen.print(HELP);
}

/**
 * Presses keys one after the other when the shell is there; then, without a terminal to type on, quits.
 *
 * @param {string} keys
 */
async function pressed(keys) {
  if (keys === '') return;
  await seen(new RegExp(PROMPT), BOOT_SECONDS, 'the guest did not come to its shell');
  for (const key of keys) {
    tail = '';
    press(key);
    if (key === 'd') await seen(/DMAR: \[DMA [^\n]*\n/, REPORT_SECONDS, 'the guest did not report the fault');
  }
  if (!stdin.isTTY) quit();
}

/**
 * Waits for something on the guest's console; ends the program if it does not come.
 *
 * @param {RegExp} pattern
 * @param {number} seconds
 * @param {string} otherwise - what it means if it does not come
 */
async function seen(pattern, seconds, otherwise) {
  const end = Date.now() + seconds * 1000;
  while (!pattern.test(tail)) {
    if (Date.now() > end) {
      screen.print(`${otherwise} within ${seconds} s`);
      process.exit(1);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function quit() {
  screen.print(statusText());
  process.exit(0);
}

function statusText() {
  const counters = watch.counters(performance.now());
  const { translations, faults, 'translations/s': rate, 'hit rate': hits, 'IOTLB entries': entries } = counters;
  return `translations ${translations}, ${rate}/s  hit rate ${hits}  faults ${faults}  IOTLB entries ${entries}`;
}

function mappingsText() {
  return watch
    .devices(MOST_RUNS)
    .map(({ place, name, domain, translation, runs, more, mapped }) => {
      const title = `${place} ${name}: ${domain === '' ? '' : `domain ${domain}, `}${translation}, ${mapped} mapped`;
      const lines = runs.map(
        ([range = '', rights = '', bytes = '', host]) =>
          `  ${range.padEnd(25)} ${rights.padEnd(2)} ${bytes.padStart(8)}  at ${host}`,
      );
      return [title, ...lines, ...(more === 0 ? [] : [`  and ${more} more`])].join('\n');
    })
    .join('\n');
}
