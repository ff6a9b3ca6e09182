import fc from 'fast-check';
import type { Driver } from '../driver.js';
import type { Geography } from '../world-places.js';

/** What an entry of the tables is. */
type Role =
  | 'root'
  | 'context'
  | 'directory'
  | 'pasid'
  | 'first table'
  | 'first page'
  | 'second table'
  | 'second page'
  | 'permission';

/** Where the first 64-bit word of each entry of a role stands. */
export type Places = ReadonlyMap<Role, readonly number[]>;

/** What becomes of one field: bits are cleared, and others set. */
interface FieldDamage {
  readonly word: number;
  readonly clear: bigint;
  readonly set: bigint;
}

/** Damage that is aimed at what one condition looks at, or at anything in an entry. */
export interface AimedDamage {
  readonly role: Role;
  readonly pick: number;
  readonly what:
    | { readonly kind: 'field'; readonly name: string; readonly damage: FieldDamage }
    | { readonly kind: 'flip'; readonly bit: number }
    | { readonly kind: 'pointer'; readonly to: 'nowhere' | 'interrupts' | 'itself' | 'beyond' };
}

const FRAME = 0xf_ffff_ffff_f000n;

const field = (name: string, word: number, clear: bigint, set: bigint) => ({ name, damage: { word, clear, set } });
const cleared = (name: string, word: number, bits: bigint) => field(name, word, bits, 0n);
const added = (name: string, word: number, bits: bigint) => field(name, word, 0n, bits);

/** 64-bit words of an entry, and what can be wrong with its fields. */
const ROLES: Readonly<Record<Role, { readonly words: number; readonly fields: readonly ReturnType<typeof field>[] }>> =
  {
    root: { words: 1, fields: [cleared('SRT.2', 0, 1n), added('SRT.3', 0, 2n)] },
    context: {
      words: 4,
      fields: [
        cleared('SCT.2', 0, 1n),
        added('SCT.3', 0, 0x80n),
        added('SCT.3', 3, 1n),
        field('SCT.4.1', 0, 4n, 16n),
        field('SCT.4.2', 1, 0xf_ffffn, 0xf_fff0n),
        field('SCT.4.3', 0, 8n, 64n),
        cleared('SCT.5', 0, 4n),
        cleared('SCT.6', 0, 8n),
        added('FPD', 0, 2n),
        added('RID_PRIV', 1, 1n << 20n),
      ],
    },
    directory: { words: 1, fields: [cleared('SPD.2', 0, 1n), added('SPD.3', 0, 4n), added('FPD', 0, 2n)] },
    pasid: {
      words: 8,
      fields: [
        cleared('SPT.2', 0, 1n),
        added('SPT.3', 0, 0x20n),
        added('SPT.3', 7, 1n << 40n),
        field('SPT.4.1', 0, 7n << 2n, 6n << 2n),
        field('AW', 0, 7n << 2n, 1n << 2n),
        field('SPT.4.2', 0, 7n << 6n, 5n << 6n),
        added('SPT.4.3', 2, 2n << 2n),
        added('SPT.4.4', 2, 1n << 45n),
        cleared('SPT.6', 2, 1n),
        added('WPE', 2, 1n << 4n),
        cleared('not snooped', 1, 1n << 23n),
        added('FPD', 0, 2n),
      ],
    },
    'first table': {
      words: 1,
      fields: [
        cleared('SFS.2', 0, 1n),
        added('SFS.3', 0, 1n << 51n),
        added('SFS.5', 0, 1n << 44n),
        cleared('SGN.2', 0, 4n),
        cleared('SGN.6', 0, 2n),
        cleared('A and EA', 0, (1n << 5n) | (1n << 10n)),
        added('A', 0, 1n << 5n),
      ],
    },
    'first page': {
      words: 1,
      fields: [
        cleared('SFS.2', 0, 1n),
        added('SFS.3', 0, 1n << 51n),
        added('SFS.5', 0, 1n << 44n),
        cleared('SGN.2', 0, 4n),
        cleared('SGN.6', 0, 2n),
        cleared('D', 0, 1n << 6n),
        added('D', 0, 1n << 6n),
      ],
    },
    'second table': {
      words: 1,
      fields: [
        cleared('SSS.2', 0, 3n | (3n << 61n)),
        added('SSS.3', 0, 1n << 11n),
        cleared('SGN.7', 0, 1n | (1n << 61n)),
        cleared('SGN.6', 0, 2n | (1n << 62n)),
        cleared('A', 0, 1n << 8n),
      ],
    },
    'second page': {
      words: 1,
      fields: [
        cleared('SSS.2', 0, 3n | (3n << 61n)),
        added('SSS.3', 0, 1n << 51n),
        cleared('SGN.7', 0, 1n | (1n << 61n)),
        cleared('SGN.6', 0, 2n | (1n << 62n)),
        cleared('D', 0, 1n << 9n),
        added('SNP', 0, 1n << 11n),
      ],
    },
    permission: {
      words: 2,
      fields: [
        field('HPT.1', 1, FRAME, 0x7000_0000n),
        added('HPT.2', 0, 4n),
        cleared('no page', 1, ~0n),
        cleared('no page', 0, ~0n),
        added('HPT.2', 1, 2n),
      ],
    },
  };

export const aimedDamage: fc.Arbitrary<AimedDamage> = fc.constantFrom(...(Object.keys(ROLES) as Role[])).chain((role) =>
  fc.record({
    role: fc.constant(role),
    pick: fc.nat(1000),
    what: fc.oneof(
      {
        weight: 5,
        arbitrary: fc
          .constantFrom(...ROLES[role].fields)
          .map(({ name, damage }) => ({ kind: 'field' as const, name, damage })),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('flip' as const), bit: fc.nat(64 * ROLES[role].words - 1) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('pointer' as const),
          to: fc.constantFrom('nowhere' as const, 'nowhere', 'interrupts', 'itself', 'beyond'),
        }),
      },
    ),
  }),
);

/** One of each kind that is aimed at something: a field, or a pointer to where nothing can be read. */
export const EVERY_DAMAGE: readonly Omit<AimedDamage, 'pick'>[] = (Object.keys(ROLES) as Role[]).flatMap((role) => [
  { role, what: { kind: 'pointer', to: 'nowhere' } },
  ...ROLES[role].fields.map((each) => ({ role, what: { kind: 'field', ...each } as const })),
]);

/** Damages one entry. */
export function damage(
  { tables }: Driver,
  { haw }: Geography,
  places: Places,
  { role, pick, what }: AimedDamage,
): void {
  const all = places.get(role) ?? [];
  const first = all[pick % Math.max(all.length, 1)];
  if (first === undefined) return;
  if (what.kind === 'field') {
    const at = first + 8 * what.damage.word;
    tables.setWord(at, (tables.word(at) & ~what.damage.clear) | what.damage.set);
  } else if (what.kind === 'flip') {
    const at = first + 8 * Math.floor(what.bit / 64);
    tables.setWord(at, tables.word(at) ^ (1n << BigInt(what.bit % 64)));
  } else {
    const to = {
      nowhere: 0x7000_0000n,
      interrupts: 0xfee0_1000n,
      itself: BigInt(first - (first % 4096)),
      beyond: (1n << BigInt(haw)) - 4096n,
    }[what.to];
    // a PASID entry points to three things, and a host permission entry has its pointer behind the permissions
    const at = first + (role === 'pasid' ? [0, 16, 32][pick % 3] : role === 'permission' ? 8 : 0);
    tables.setWord(at, (tables.word(at) & ~FRAME) | to);
  }
}
