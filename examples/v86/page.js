// The page: the guest's console, and beside it the unit's tables as they change.
import '@xterm/xterm/css/xterm.css';
import './page.css';
import { Terminal } from '@xterm/xterm';
import wasm from 'v86/build/v86.wasm?url';
import { attack, isRemapping, makeMachine } from './machine.js';
import { PROMPT } from './prompt.js';
import { UnitWatch } from './watch.js';

const UPDATE_MS = 250;
const ROWS = 26;
const COLUMNS = 90;

/** Of a device no more runs are listed. */
const MOST_RUNS = 100;

/** The end of the guest's console, in which the prompt is searched. */
const TAIL = 100;

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** What each part of the page shows, so that only what changes is made anew. */
const shown = new WeakMap();

/**
 * Fills a part of the page with rows, if they are others than before; new ones light up.
 *
 * @param {HTMLElement} parent
 * @param {string[][]} rows
 * @param {(cells: string[]) => HTMLElement} make
 */
function fill(parent, rows, make) {
  const keys = rows.map((row) => row.join('\t'));
  const before = shown.get(parent) ?? [];
  if (keys.length === before.length && keys.every((key, at) => key === before[at])) return;
  const old = new Set(before);
  parent.replaceChildren(
    ...rows.map((row, at) => {
      const child = make(row);
      if (!old.has(keys[at])) child.classList.add('fresh');
      return child;
    }),
  );
  shown.set(parent, keys);
}

/**
 * @param {string} name
 * @param {...(string | Node)} children
 */
function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

const tableRow = (/** @type {string[]} */ cells) => element('tr', ...cells.map((cell) => element('td', cell)));
const counter = (/** @type {string[]} */ [name = '', value = '']) =>
  element('div', element('dt', name), element('dd', value));

/** @param {import('./watch.js').WatchedFault | undefined} fault */
function explain(fault) {
  byId('explanation').hidden = fault === undefined;
  byId('explanation').textContent = fault?.explanation() ?? '';
}

/**
 * @param {import('./machine.js').Machine} machine
 * @param {UnitWatch} watch
 * @param {string} guest - what it does
 */
function update(machine, watch, guest) {
  const remapping = isRemapping(machine);
  byId('state').textContent = `${guest}; DMA remapping is ${remapping ? 'on' : 'off'}`;
  fill(byId('counters'), Object.entries(watch.counters(performance.now())), counter);
  const devices = watch.devices(MOST_RUNS);
  fill(
    byId('devices'),
    devices.map(({ place, name, domain, translation, mapped }) => [place, name, domain, translation, mapped]),
    tableRow,
  );
  fill(
    byId('mappings'),
    devices.flatMap(({ place, runs, more }) => [
      ...runs.map((run) => [place, ...run]),
      ...(more === 0 ? [] : [[place, `and ${more} more`, '', '', '']]),
    ]),
    tableRow,
  );
  fill(byId('descriptors'), watch.descriptors, tableRow);
  const { faults } = watch;
  const latest = faults[0];
  if (latest !== undefined && latest !== shown.get(byId('explanation'))) {
    shown.set(byId('explanation'), latest);
    byId('faults').replaceChildren(
      ...faults.map((fault) => {
        const button = element('button', fault.text);
        button.addEventListener('click', () => explain(fault));
        return element('li', button);
      }),
    );
    explain(latest);
  }
}

async function main() {
  const machine = await makeMachine({
    images: {
      bios: { url: 'guest/bios' },
      vga_bios: { url: 'guest/vga_bios' },
      bzimage: { url: 'guest/bzimage' },
      initrd: { url: 'guest/initrd' },
      hda: { url: 'guest/hda' },
    },
    wasm,
    console: { rows: ROWS, columns: COLUMNS },
  });
  const watch = new UnitWatch(machine);
  const { emulator } = machine;
  const terminal = new Terminal({ rows: ROWS, cols: COLUMNS, fontSize: 13, scrollback: 2000 });
  terminal.open(byId('console'));
  terminal.onData((data) => emulator.serial0_send(data));
  terminal.focus();

  const button = /** @type {HTMLButtonElement} */ (byId('attack'));
  let tail = '';
  emulator.add_listener('serial0-output-byte', (byte) => {
    terminal.write(Uint8Array.of(byte));
    tail = (tail + String.fromCharCode(byte)).slice(-TAIL);
    if (tail.endsWith(PROMPT)) button.disabled = false;
  });
  button.addEventListener('click', () => {
    byId('attacked').textContent = attack(machine);
    terminal.focus();
  });
  setInterval(() => update(machine, watch, button.disabled ? 'Linux boots' : 'Linux is up'), UPDATE_MS);
  await emulator.run();
}

main().catch((/** @type {unknown} */ error) => {
  byId('state').textContent = `the machine could not be made: ${error instanceof Error ? error.message : error}`;
  byId('state').className = 'failed';
});
