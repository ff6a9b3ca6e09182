import type { CompleteDmar, DeviceScope, ScopeType } from './dmar.js';
import { each, includesAll, type LintContext, type LintRule, type Placed, words } from './lint-rule.js';

type Scope = CompleteDmar<DeviceScope>;

interface WithScopes {
  readonly type: string;
  readonly segment: number;
  readonly flags?: readonly string[];
  readonly scopes: readonly Scope[];
}

function structuresWithScopes({ structures }: LintContext): Placed<WithScopes>[] {
  return structures.filter((structure) => 'scopes' in structure);
}

/** A scope as a message names it: `endpoint 00:02.0`, `bridge 00:1c.0/00.0`. */
export function scopeText({ type, startBus, path }: Scope): string {
  const steps = path.map((step) => `${step.device.toString(16).padStart(2, '0')}.${step.function.toString(16)}`);
  return `${typeof type === 'number' ? `type ${type}` : type} ${startBus.toString(16).padStart(2, '0')}:${steps.join('/')}`;
}

/** A message about each structure that has scopes which break a rule, for all of them. */
function badScopes(
  name: string,
  section: string,
  isBad: (scope: Scope, structure: Placed<WithScopes>) => boolean,
  advice: string,
): LintRule {
  return {
    name,
    section,
    kind: 'wrong',
    find: (context) =>
      each(structuresWithScopes(context), (structure) => {
        const bad = structure.scopes.filter((scope) => isBad(scope, structure));
        return bad.length > 0 && `${structure.type} has ${words(bad.map(scopeText))}: ${advice}`;
      }),
  };
}

/** The types that scopes of a structure may have. */
const ALLOWED: Readonly<Record<string, readonly ScopeType[]>> = {
  ATSR: ['bridge'],
  SATC: ['endpoint'],
  SIDP: ['endpoint', 'namespace-device'],
};

function isPci({ type }: Scope): boolean {
  return type === 'endpoint' || type === 'bridge';
}

/** The scopes of all units that name what one before them names, as [structure index, scope]. */
function namedTwice({ of }: LintContext): [unit: number, scope: Scope][] {
  const seen = new Set<string>();
  return of('DRHD').flatMap(({ segment, index, scopes }) =>
    scopes.flatMap((scope): [number, Scope][] => {
      // what is no PCI device is known by its number: several name-space devices may share a source-id (§8.3.1.3)
      const key = isPci(scope)
        ? `${segment} ${scopeText({ ...scope, type: 'endpoint' })}`
        : `${scope.type} ${scope.enumerationId}`;
      const isKnown = typeof scope.type !== 'number' && seen.has(key);
      seen.add(key);
      return isKnown ? [[index, scope]] : [];
    }),
  );
}

/** The rules of device scopes (§8.3.1). */
export const SCOPE_RULES: readonly LintRule[] = [
  badScopes(
    'include-all-scopes',
    '§8.3.1',
    (scope, structure) => includesAll(structure) && isPci(scope),
    'INCLUDE_PCI_ALL serves PCI devices without naming them, drop these',
  ),
  badScopes('scope-type', '§8.3.1', ({ type }) => typeof type === 'number', 'the type is reserved, use 1 to 5'),
  badScopes(
    'scope-type-allowed',
    '§8.5, §8.8, §8.9',
    ({ type }, structure) =>
      typeof type !== 'number' && ALLOWED[structure.type] !== undefined && !ALLOWED[structure.type]?.includes(type),
    'ATSR lists bridges, SATC endpoints, SIDP endpoints and name-space devices',
  ),
  badScopes(
    'scope-flags',
    '§8.3.1',
    (scope, { type }) =>
      scope.flags.length > 0 && (type !== 'SIDP' || !ALLOWED.SIDP?.includes(scope.type as ScopeType)),
    'flags belong into a SIDP structure, for endpoints and name-space devices',
  ),
  badScopes(
    'scope-enumeration-id',
    '§8.3.1',
    (scope) => isPci(scope) && scope.enumerationId !== 0,
    'PCI devices have enumerationId 0',
  ),
  badScopes(
    'scope-path',
    '§8.3.1',
    ({ path }) => path.some(({ device, function: fn }) => device > 31 || fn > 7),
    'PCI has devices 0 to 31 and functions 0 to 7',
  ),
  badScopes(
    'scope-path-length',
    '§8.3.1, §8.8, §8.9',
    ({ type, path }, structure) =>
      path.length > 1 &&
      (type === 'HPET' || type === 'namespace-device' || structure.type === 'SATC' || structure.type === 'SIDP'),
    'the path of an HPET, a name-space device or an integrated device has one step',
  ),
  {
    name: 'scope-twice',
    section: '§8.3',
    kind: 'wrong',
    find: (context) =>
      namedTwice(context).map(([structure, scope]) => ({
        structure,
        message: `a DRHD names ${scopeText(scope)}${isPci(scope) ? '' : ` (id ${scope.enumerationId})`} before: one unit serves it, once`,
      })),
  },
  {
    name: 'scope-unserved',
    section: '§8.4',
    kind: 'wrong',
    find: (context) =>
      structuresWithScopes(context).flatMap((structure) => {
        if (structure.type === 'DRHD') return [];
        const unserved = structure.scopes.filter(
          (scope) => isPci(scope) && isUnserved(context, structure.segment, scope),
        );
        const names = words(unserved.map(scopeText));
        return unserved.length === 0
          ? []
          : [
              {
                structure: structure.index,
                message: `${structure.type} names ${names}, which no DRHD serves: add it to one`,
              },
            ];
      }),
  },
  {
    name: 'name-space-scope',
    section: '§8.7',
    kind: 'wrong',
    find: ({ of }) =>
      of('DRHD').flatMap(({ scopes, index }) =>
        scopes
          .filter(
            ({ type, enumerationId }) =>
              type === 'namespace-device' && !of('ANDD').some(({ deviceNumber }) => deviceNumber === enumerationId),
          )
          .map(({ enumerationId }) => ({
            structure: index,
            message: `DRHD names name-space device ${enumerationId}: declare it in an ANDD structure`,
          })),
      ),
  },
];

/** Only where the bridges of its path are known can it be said. */
function isUnserved({ map, of }: LintContext, segment: number, scope: Scope): boolean {
  if (!of('DRHD').some((unit) => unit.segment === segment)) return false;
  const sourceId = map.resolve(segment, scope);
  if (sourceId === undefined) return false;
  const [bus, device, fn] = [sourceId >> 8, (sourceId >> 3) & 31, sourceId & 7];
  return map.find({ segment, bus, device, function: fn }).unit === undefined;
}
