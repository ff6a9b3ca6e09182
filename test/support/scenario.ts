/**
 * Scenarios as `vtd run` reads them: what a machine is made of, and a list of commands. Addresses, offsets and values are
 * hex strings, data is hex digits in memory order, `dev` is a source-id.
 */
export interface Scenario {
  readonly name: string;
  readonly options: ScenarioOptions;
  readonly steps: Step[];
}

export type CacheName = 'none' | 'default' | 'hold';

export interface ScenarioOptions {
  readonly preset: 'everything';
  /** Fields of VER, CAP and ECAP over the preset. */
  readonly caps: Readonly<Record<string, number>>;
  readonly haw: number;
  readonly cache: CacheName;
  readonly pending?: boolean;
  /** First address and bytes of each range. */
  readonly ram: readonly (readonly [first: string, bytes: string])[];
}

export interface DmaStep {
  readonly op: 'dma';
  readonly dev: number;
  readonly addr: string;
  readonly size: number;
  readonly dir: 'read' | 'write' | 'atomic';
  readonly hex?: string;
  readonly zlr?: boolean;
  readonly at?: 'translated';
  readonly pasid?: number;
  readonly priv?: boolean;
  readonly exec?: boolean;
}

export type Step =
  | { readonly op: 'memwrite'; readonly addr: string; readonly hex: string }
  | { readonly op: 'regwrite'; readonly off: string; readonly size: 1 | 2 | 4 | 8; readonly value: string }
  | DmaStep
  | { readonly op: 'maps'; readonly dev: number; readonly pasid?: number }
  | {
      readonly op: 'notify';
      readonly dev: number;
      readonly first?: string;
      readonly last?: string;
      readonly replay?: boolean;
    }
  | { readonly op: 'reset'; readonly warm?: boolean }
  | { readonly op: 'step' };

export function hex(value: number | bigint): string {
  return `0x${BigInt(value).toString(16)}`;
}

/** The scenario on one line: a file of it is what `vtd run` takes. */
export function scenarioText(scenario: Scenario): string {
  return JSON.stringify(scenario);
}
