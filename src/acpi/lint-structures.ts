import type { CompleteDmar, DeviceScope } from './dmar.js';
import { each, hasCache, hex, type LintRule, repeated } from './lint-rule.js';

const PAGE = 4096n;

/** The rules of what stands beside the units (§8.4 to §8.9). */
export const STRUCTURE_RULES: readonly LintRule[] = [
  {
    name: 'reserved-memory',
    section: '§8.4',
    kind: 'wrong',
    find: ({ of, table }) =>
      each(of('RMRR'), ({ base, limit, scopes }) => {
        const range = `RMRR from ${hex(base)} to ${hex(limit)}`;
        if (limit <= base) return `${range}: limit is its last byte, and greater than base`;
        if (base % PAGE !== 0n || limit % PAGE !== PAGE - 1n)
          return `${range}: make it whole pages of 4 KiB, limit ending in fff`;
        if (limit >> BigInt(table.hostAddressWidth) !== 0n)
          return `${range}: lies beyond the ${table.hostAddressWidth} bits of hostAddressWidth`;
        return scopes.length === 0 && `${range}: name the devices that use it in scopes`;
      }),
  },
  {
    name: 'root-ports',
    section: '§8.5',
    kind: 'wrong',
    find: ({ of }) =>
      each(of('ATSR'), ({ flags, scopes }) => {
        const all = flags.includes('ALL_PORTS');
        if (all && scopes.length > 0) return 'ATSR with ALL_PORTS lists ports too: drop its scopes, or the flag';
        return (
          !all && scopes.length === 0 && 'ATSR names no port: set ALL_PORTS, or add root ports as scopes of type bridge'
        );
      }),
  },
  {
    name: 'affinity',
    section: '§8.6',
    kind: 'wrong',
    find: ({ of }) => {
      const affinities = of('RHSA');
      if (affinities.length === 0) return [];
      const bases = affinities.map(({ registerBase }) => registerBase);
      return [
        ...each(
          of('DRHD'),
          ({ registerBase }) =>
            !bases.includes(registerBase) &&
            `DRHD at ${hex(registerBase)} has no RHSA, others have: add one, or use none`,
        ),
        ...each(
          affinities,
          ({ registerBase }) =>
            !of('DRHD').some((unit) => unit.registerBase === registerBase) &&
            `RHSA names ${hex(registerBase)}, where no DRHD has a unit: correct it`,
        ),
        ...repeated(affinities, ({ registerBase }) => String(registerBase)).map(([{ index, registerBase }]) => ({
          structure: index,
          message: `a second RHSA names the unit at ${hex(registerBase)}: keep one`,
        })),
      ];
    },
  },
  {
    name: 'name-space-device',
    section: '§8.7',
    kind: 'wrong',
    find: ({ of }) => {
      const named = of('DRHD').flatMap(({ scopes }) =>
        scopes.filter(({ type }) => type === 'namespace-device').map(({ enumerationId }) => enumerationId),
      );
      return [
        ...repeated(of('ANDD'), ({ deviceNumber }) => String(deviceNumber)).map(([{ index, deviceNumber }, first]) => ({
          structure: index,
          message: `ANDD has device number ${deviceNumber}, as structures[${first.index}] has: give each its own`,
        })),
        ...each(of('ANDD'), ({ objectName, deviceNumber }) => {
          if (!/^\\[\w.^]+$/.test(objectName))
            return `ANDD names ${JSON.stringify(objectName)}: give a full name such as \\_SB.I2C0`;
          return (
            !named.includes(deviceNumber) &&
            `ANDD ${deviceNumber} is in no DRHD: add a scope of type namespace-device there`
          );
        }),
      ];
    },
  },
  {
    name: 'one-cache-list',
    section: '§8.8',
    kind: 'wrong',
    find: ({ of }) =>
      repeated(of('SATC'), ({ segment, flags }) => `${segment} ${flags}`).map(([{ index }, first]) => ({
        structure: index,
        message: `SATC has the segment and the flags of structures[${first.index}]: put the devices into one`,
      })),
  },
  {
    name: 'cache-list-superseded',
    section: '§8.9',
    kind: 'lacks',
    find: ({ of }) => {
      const key = (segment: number, { startBus, path }: CompleteDmar<DeviceScope>) =>
        JSON.stringify([segment, startBus, path]);
      const properties = of('SIDP');
      const listed = properties.flatMap(({ segment, scopes }) =>
        scopes.filter(hasCache).map((scope) => key(segment, scope)),
      );
      return each(
        of('SATC'),
        ({ segment, scopes }) =>
          properties.length > 0 &&
          scopes.some((scope) => !listed.includes(key(segment, scope))) &&
          'software that knows SIDP ignores SATC: list its devices in SIDP too, with ATC_HARDENED or ATC_REQUIRED',
      );
    },
  },
];
