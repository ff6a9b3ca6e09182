import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build, type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const configFile = fileURLToPath(new URL('../../examples/v86/vite.config.js', import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** A whole boot, on a machine that has other things to do. */
const BOOT_MS = 150_000;
const COMMAND_MS = 30_000;

describe('the page of examples/v86, as it is built, in Chromium', () => {
  const outDir = mkdtempSync(join(tmpdir(), 'intel-iommu-page-'));
  const complaints: string[] = [];
  let server: PreviewServer | undefined;
  let browser: Browser | undefined;
  let page: Page;

  const text = async (selector: string) =>
    (await page.locator(selector).allInnerTexts()).join('').replaceAll('\u00a0', ' ');
  const counter = async (name: string) => {
    const value = await text(`#counters div:has(dt:text-is("${name}")) dd`);
    return Number(value.replace(/[,%]/g, ''));
  };
  const shows = (selector: string, pattern: RegExp, timeout = COMMAND_MS) =>
    expect.poll(() => text(selector), { timeout }).toMatch(pattern);

  beforeAll(async () => {
    if (!existsSync(CHROMIUM)) {
      throw new Error(`there is no ${CHROMIUM}: apt-get install chromium, or set CHROMIUM to a Chromium's path`);
    }
    await build({ configFile, logLevel: 'error', build: { outDir } });
    server = await preview({ configFile, logLevel: 'error', build: { outDir }, preview: { port: 0 } });
    browser = await chromium.launch({ executablePath: CHROMIUM });
    page = await browser.newPage({ viewport: { width: 1500, height: 1000 } });
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
    await page.goto(server.resolvedUrls?.local[0] ?? '');
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(outDir, { recursive: true });
  });

  test(
    'Linux boots to its shell, with DMA remapping on',
    async () => {
      const up = async () => complaints.length > 0 || (await text('#state')).startsWith('Linux is up');
      await expect
        .poll(up, { timeout: BOOT_MS })
        .toBe(true)
        .catch(() => {});
      expect([await text('#state'), ...complaints], await text('.xterm-rows')).toEqual([
        'Linux is up; DMA remapping is on',
      ]);
      await shows('.xterm-rows', /guest# /);
    },
    BOOT_MS + COMMAND_MS,
  );

  test('the devices stand there with their domains', async () => {
    const rows = await page.locator('#devices tr').allInnerTexts();
    expect(rows.map((row) => row.split('\t').slice(0, 2))).toEqual([
      ['00:1e.0', 'ide'],
      ['00:01.0', 'dma'],
      ['00:0c.0', 'virtio_console'],
    ]);
    for (const row of rows) expect(row).toMatch(/\t\d+\t48 bits, 4 levels\t/);
  });

  test('the mappings stand there as runs, none of them at the address of its memory', async () => {
    const rows = await page.locator('#mappings tr').allInnerTexts();
    expect(rows.length).toBeGreaterThan(2);
    for (const row of rows) {
      const [, iova, , , host] = row.split('\t');
      expect(iova).toMatch(/^0xf[\da-f]{7} - 0xf[\da-f]{7}$/);
      expect(host).toMatch(/^0x[\da-f]{4,7}$/);
    }
  });

  test('what is typed goes to the guest; its reading the disk moves the counters and the queue', async () => {
    const before = await counter('translations');
    const descriptors = await text('#descriptors');
    await page.locator('#console').click();
    await page.keyboard.type('md5sum -c sums\n');
    await shows('.xterm-rows', /noise: OK/);
    await expect.poll(() => counter('translations')).toBeGreaterThan(before + 100);
    await expect.poll(() => text('#descriptors')).not.toBe(descriptors);
    expect(await text('#descriptors')).toMatch(/wait\twrites 0x\w+ to 0x/);
    expect(await counter('faults')).toBe(0);
  });

  test('an attack changes nothing, and is explained by the page and reported by the guest', async () => {
    await page.locator('#attack').click();
    await shows('#attacked', /^ide wrote 0 of 12 bytes to 0x1000000/);
    await shows('#faults', /^00:1e\.0 write 0x1000000: LGN\.2, no permission to write$/);
    const explanation = await text('#explanation');
    expect(explanation).toMatch(/^00:1e\.0 writes 0x1000000\n/);
    expect(explanation).toMatch(/\ncontext entry +devfn 0xf0 at 0x/);
    expect(explanation).toMatch(/\n=> fault LGN\.2 \(0x05\): no permission to write \(§7\.1\.3\)\n/);
    await expect.poll(() => counter('faults')).toBe(1);
    await shows('.xterm-rows', /DMAR: \[DMA Write NO_PASID\] Request device \[0000:00:1e\.0\] fault addr/);
  });

  test('the browser had nothing to complain of', () => expect(complaints).toEqual([]));
});
