import { cpuUsage } from 'node:process';
import { describe, expect, it } from 'vitest';
import { jsonLines, vtd } from './vtd.js';

const CAPTURE = 'legacy48-vfio';

describe('vtd', () => {
  it.each(['--help', '-h', 'help'])('%s lists the commands', async (option) => {
    const { code, stdout, stderr } = await vtd([option]);
    for (const command of [
      'demo',
      'maps',
      'translate',
      'explain',
      'interrupts',
      'dump',
      'dmar',
      'probe',
      'log',
      'run',
    ]) {
      expect(stdout).toContain(`vtd ${command}`);
    }
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('--version prints the version of the package', async () => {
    const { code, stdout } = await vtd(['--version']);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(code).toBe(0);
  });

  it.each(['demo', 'maps', 'translate', 'explain', 'interrupts', 'dump', 'dmar', 'probe', 'log', 'run'])(
    '%s --help tells how it is used',
    async (command) => {
      const { code, stdout, stderr } = await vtd([command, 'ignored', '--help']);
      expect(stdout).toContain(`vtd ${command} `);
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
      expect(stderr).toBe('');
      expect(code).toBe(0);
    },
  );
});

describe('vtd translate', () => {
  const translate = async (...options: string[]) =>
    jsonLines(await vtd(['translate', CAPTURE, ...options, '--json']))[0];

  it('answers with the host address, the size of the page and its rights', async () => {
    const answer = { ok: true, address: '0x141a5f058', pageSize: 4096, perm: 'rw' };
    expect(await translate('--device', '00:04.0', '--iova', '0xfffe0058')).toEqual(answer);
    expect(await translate('--device=0000:00:04.0', '--iova=0xfffe0058', '--write')).toEqual(answer);
    expect(await translate('--sid', '0x20', '--iova', '4294836312', '--atomic')).toEqual(answer);
    // a page of 16 MiB at 1:1 for the ISA bridge
    expect(await translate('--device', '00:1f.0', '--iova', '0x7fffff')).toMatchObject({ pageSize: 0x20_0000 });
  });

  it('answers with the condition of a fault and its code, and exits with 0', async () => {
    const { code } = await vtd(['translate', CAPTURE, '--sid', '32', '--iova', '0x58', '--write']);
    expect(code).toBe(0);
    expect(await translate('--sid', '32', '--iova', '0x58')).toEqual({
      ok: false,
      reason: 6,
      condition: 'LGN.3',
      about: 'no permission to read',
    });
    expect(await translate('--sid', '32', '--iova', '0x58', '--write')).toMatchObject({
      reason: 5,
      condition: 'LGN.2',
    });
    expect(await translate('--sid', '32', '--iova', '0x58', '--pasid', '1')).toMatchObject({ condition: 'RTA.2' });
    expect(await translate('--sid', '1', '--iova', '0xfffe0058')).toMatchObject({ reason: 2, condition: 'LCT.2' });
  });

  it('refuses a zero-length read of a write-only page without CAP.ZLR (§3.14)', async () => {
    const options = ['--device', '00:05.0', '--iova', '0xffefd000'];
    expect(await translate(...options, '--write')).toMatchObject({ ok: true, perm: 'w' });
    expect(await translate(...options, '--zlr')).toMatchObject({ ok: false, condition: 'LGN.3' });
  });

  it('says the same in words', async () => {
    const { stdout } = await vtd(['translate', CAPTURE, '--device', '00:04.0', '--iova', '0xfffe0058']);
    expect(stdout).toBe('00:04.0 reads 0xfffe0058 -> 0x141a5f058, a page of 4 KiB, rw\n');
    const { stdout: fault } = await vtd(['translate', CAPTURE, '--device', '00:04.0', '--iova', '0x58', '--write']);
    expect(fault).toMatch(/^00:04\.0 writes 0x58 -> LGN\.2, reason 0x5: no permission to write \(§7\.1\.3\)\n {2}map /);
  });
});

describe('vtd explain', () => {
  const explain = (...options: string[]) => vtd(['explain', CAPTURE, ...options]);

  it('tells each step of an interrupt request, and what to change', async () => {
    const { stdout } = await explain('--device', '00:04.0', '--msi', '0xfee00250');
    expect(stdout).toContain('00:04.0 sends 0x0 to 0xfee00250\n');
    expect(stdout).toContain('HANDLE = 0x12, the table at 0x140300000 has 65536 entries (§5.1.3)\n');
    expect(stdout).toMatch(/index 0x12 at 0x140300120: {2}0x270009 0x40020 .* SID=32 SVT=1 V=39\n/);
    expect(stdout).toMatch(/\n=> vector 0x27 to APIC 0x0, fixed, edge, redirection hint\n$/);
    const blocked = await explain('--device', '00:05.0', '--msi', '0xfee00250', '--data', '0');
    expect(blocked.stdout).toContain('=> fault 0x26: the entry is not for this source-id (§5.1.4.1)\n   change: put ');
    expect(blocked.code).toBe(0);
  });

  it('as JSON, with the answer or the fault', async () => {
    const [ok] = jsonLines(await explain('--sid', '32', '--msi', '0xfee00250', '--json'));
    expect(ok).toMatchObject({ ok: true, answer: { kind: 'message', message: { vector: 39, destination: 0 } } });
    const [fault] = jsonLines(await explain('--sid', '32', '--msi', '0xfee00050', '--json'));
    expect(fault).toMatchObject({ ok: false, reason: 0x22, condition: '0x22', record: 'recorded' });
  });

  it.each([
    [['--msi', '0xfef00000', '--sid', '1'], /0xfee00000 to 0xfeefffff/],
    [['--msi', '0xfee00000'], /which requester/],
    [['--msi', '0xfee00000', '--sid', '1', '--iova', '0'], /--msi and --iova/],
    [['--msi', '0xfee00000', '--sid', '1', '--write'], /--msi and --write/],
    [['--data', '1', '--sid', '1', '--iova', '0'], /--data belongs to/],
  ])('%j is refused', async (options, message) => {
    const { code, stderr } = await explain(...options);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});

describe('vtd interrupts', () => {
  it('lists the present entries: index, mode, source, and where they go', async () => {
    const { stdout, code } = await vtd(['interrupts', CAPTURE]);
    expect(stdout).toMatch(
      /\n +0x12 +remapped +00:04\.0 \(nvme\) +vector 0x27 to APIC 0x0, fixed, edge, redirection hint\n/,
    );
    expect(stdout).toMatch(/\n19 present entries\n$/);
    expect(code).toBe(0);
  });
});

describe('vtd maps', () => {
  it('lists one requester alone', async () => {
    const all = jsonLines(await vtd(['maps', CAPTURE, '--json']));
    const one = jsonLines(await vtd(['maps', CAPTURE, '--json', '--device', '00:1f.2']));
    expect(one).toEqual(all.filter(({ sid }) => sid === 250));
    expect(one).toHaveLength(13);
    expect(await vtd(['maps', CAPTURE, '--json', '--sid', '1'])).toMatchObject({ code: 0, stdout: '' });
  });

  it('prints devices with their domains, runs and totals', async () => {
    const { stdout } = await vtd(['maps', CAPTURE]);
    expect(stdout).toContain('00:04.0 (nvme) domain 3, second stage of 48 bits, 4 levels\n');
    expect(stdout).toMatch(/0xfffe0000 +0xfffeffff +rw +64 KiB +0x141a5f000\n/);
    expect(stdout).toContain('  6 runs of 24 pages, 96 KiB\n');
    expect(stdout).toMatch(/\n11 devices: 419 runs of 1,930 pages, 2\.07 GiB\n$/);
  });
});

describe('vtd demo', () => {
  it('shows the bundled capture in lines of at most 110 characters, in less than ten seconds', async () => {
    // of the processor: how much of it there is, others decide
    const begin = cpuUsage();
    const { code, stdout, stderr } = await vtd(['demo']);
    const { user, system } = cpuUsage(begin);
    expect((user + system) / 1e6).toBeLessThan(10);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
    const titles = [...stdout.matchAll(/^(.*) ─+$/gm)].map(([, title]) => title);
    expect(titles).toEqual([
      'Registers',
      'Devices and their domains',
      'Live mappings, by replay',
      'Translate agrees with replay',
      "QEMU's answers",
      'One of these faults, explained',
      'Totals',
    ]);
    for (const condition of ['LGN.1.1', 'LGN.2', 'LGN.3', 'LCT.2']) expect(stdout).toContain(`\n  ${condition} `);
    expect(stdout).toMatch(/mappings +1,930 {2}pages, in 419 runs/);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  it('draws its progress on a terminal only, and wipes it away', async () => {
    const { stderr } = await vtd(['demo', 'legacy39'], true);
    expect(stderr).toContain('translating all that is mapped');
    expect(stderr).toMatch(/\r\x1b\[K$/);
    expect(stderr).not.toContain('\n');
  });
});
