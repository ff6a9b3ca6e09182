// Boots Linux with its DMA remapped and, in turns, the same machine without `intel_iommu=on`; each in a process of its
// own. Prints the medians and their ratio. Needs a kernel, as `npm run test:linux` does. Argument: rounds, default 5.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LinuxGuest } from '../scripts/linux/guest.mjs';
import { ext4 } from '../scripts/linux/guest-files.mjs';

const GOAL = 1.15;
const KINDS = { on: 'intel_iommu=on', off: '' };

/**
 * Boots, reads 16 MiB of the disk and writes as much.
 *
 * @param {string} options - of the kernel's command line
 * @returns {Promise<{ cpu: number, wall: number }>} seconds
 */
async function boot(options) {
  /** @type {typeof import('../src/v86/index.js')} */
  const { attachV86 } = await import(String(new URL('../dist/v86/index.js', import.meta.url)));
  const guest = new LinuxGuest(options, ext4({ file: new Uint8Array(16 * 2 ** 20).fill(0x5a) }, 48));
  await guest.loaded();
  attachV86(guest.emulator);
  const start = performance.now();
  const before = process.cpuUsage();
  await guest.boot();
  await guest.run('mount -t ext4 /dev/sda /mnt && md5sum /mnt/file && cp /mnt/file /mnt/copy && umount /mnt');
  const { user, system } = process.cpuUsage(before);
  const wall = (performance.now() - start) / 1000;
  await guest.close();
  return { cpu: (user + system) / 1e6, wall };
}

/** @param {readonly number[]} values */
function median(values) {
  return /** @type {number} */ ([...values].sort((a, b) => a - b)[values.length >> 1]);
}

function compare(/** @type {number} */ rounds) {
  /** @type {{ on: { cpu: number, wall: number }[], off: { cpu: number, wall: number }[] }} */
  const times = { on: [], off: [] };
  const kinds = /** @type {const} */ (['off', 'on']);
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) {
      const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), kind], { encoding: 'utf8' });
      times[kind].push(JSON.parse(output));
    }
  }
  for (const measure of /** @type {const} */ (['cpu', 'wall'])) {
    const [off, on] = kinds.map((kind) => median(times[kind].map((time) => time[measure])));
    if (off === undefined || on === undefined) throw new Error('no round');
    const ratio = on / off;
    console.log(
      `${measure.padEnd(5)} remapped ${on.toFixed(2)} s, not remapped ${off.toFixed(2)} s: ${ratio.toFixed(3)}` +
        `  (goal: <= ${GOAL}${ratio <= GOAL ? '' : '   MISSED'})`,
    );
  }
}

const [argument = '5'] = process.argv.slice(2);
if (argument === 'on' || argument === 'off') {
  console.log(JSON.stringify(await boot(KINDS[argument])));
  process.exit();
}
compare(Number(argument));
