import type { Condition } from '../conditions.js';
import { iova, pgtt, ScalableTables, sourceId } from '../scalable-tables.js';
import type { Access } from '../types.js';

/** A request as a region sends it. */
export interface RowRequest {
  sourceId: number;
  iova: bigint;
  access: Access;
  pasid?: number;
  privileged?: boolean;
  execute?: boolean;
  translated?: boolean;
}

/** One way to meet one condition: tables and a unit that are all right but for what the row spoils. */
export interface ScalableRow {
  readonly condition: Condition;
  /** What is wrong. */
  readonly about: string;
  /** PGTT of the tables; 1 if left out. */
  readonly type?: bigint;
  /** Fields of VER, CAP and ECAP that differ from {@link scalableCapabilities}. */
  readonly caps?: Readonly<Record<string, number>>;
  /** Host address width; {@link hostAddressWidth} if left out. */
  readonly haw?: number;
  /** RTADDR besides the pointer; scalable mode if left out. */
  readonly rtaddr?: bigint;
  /** What is all right in the tables, but not as usual. */
  readonly prepare?: (tables: ScalableTables) => ScalableTables;
  readonly spoil?: (tables: ScalableTables) => ScalableTables;
  readonly request?: Partial<RowRequest>;
}

export const hostAddressWidth = 46;

/** All that scalable mode has, as fields of VER, CAP and ECAP. */
export const scalableCapabilities: Readonly<Record<string, number>> = {
  'VER.MAJOR': 5,
  'CAP.ND': 2,
  'CAP.RWBF': 0,
  'CAP.CM': 0,
  'CAP.SAGAW': 0b1110,
  'CAP.MGAW': 47,
  'CAP.ZLR': 1,
  'CAP.SSLPS': 3,
  'CAP.FS1GP': 1,
  'CAP.FS5LP': 1,
  'ECAP.DT': 1,
  'ECAP.IR': 1,
  'ECAP.PT': 1,
  'ECAP.SC': 1,
  'ECAP.ADMS': 1,
  'ECAP.SMTS': 1,
  'ECAP.MTS': 0,
  'ECAP.FSTS': 1,
  'ECAP.SSTS': 1,
  'ECAP.NEST': 1,
  'ECAP.PRS': 1,
  'ECAP.SRS': 1,
  'ECAP.EAFS': 1,
  'ECAP.PSS': 19,
  'ECAP.PASID': 1,
  'ECAP.SSADS': 1,
  'ECAP.SMPWCS': 1,
  'ECAP.RPS': 1,
  'ECAP.RPRIVS': 1,
  'ECAP.HPTS': 1,
  'ECAP.HPT1GPS': 1,
  'ECAP.PTRS': 1,
  'ECAP.SSIRWS': 1,
  'ECAP.NWFS': 0,
  'ECAP.DIT': 0,
  'ECAP.PDS': 0,
  'ECAP.SMS': 0,
};

/** The tables of a row. */
export function tablesOf(row: ScalableRow): ScalableTables {
  const tables = preparedTables(row);
  return row.spoil === undefined ? tables : row.spoil(tables);
}

/** The same before they are spoiled. */
export function preparedTables({ type = pgtt.firstStage, prepare }: ScalableRow): ScalableTables {
  const tables = new ScalableTables(type);
  return prepare === undefined ? tables : prepare(tables);
}

/** The request of a row: a read of `iova` without PASID, if it says nothing else. */
export function requestOf({ request }: ScalableRow): RowRequest {
  return { sourceId, iova, access: 'read', ...request };
}
