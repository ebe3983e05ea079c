import {
  idpTokenName,
  openProfile,
  profileName,
  sealedProfile as sealedAndHashed,
} from './connections.ts'
import { recordName, successorName } from './record-row.ts'
import { seal, unseal } from './seal.ts'
import { personName, personTokenName } from './signed-in-people.ts'
import type { Store } from './store.ts'

/** The columns of a row that name it and what its values are sealed for. */
export interface SealedRow {
  readonly [column: string]: unknown
}

export interface SealedColumn {
  /** What the value is sealed for: how log lines call it. */
  readonly name: (row: SealedRow) => string
  /** The column sealed again with the first key, and what else is made with that key. Throws SealError. */
  readonly resealed: (store: Pick<Store, 'ring'>, row: SealedRow, sealed: Buffer) => Changes
}

export type Changes = Readonly<Record<string, Buffer | null>>

export interface SealedTable {
  readonly table: string
  /** The primary key. */
  readonly key: readonly string[]
  /** What `columns` need to know besides. */
  readonly also: readonly string[]
  readonly columns: Readonly<Record<string, SealedColumn>>
}

/**
 * Every column that holds sealed values: what is not here is lost when a storage key is removed.
 * Whoever adds one names it here.
 */
export const sealed_tables: readonly SealedTable[] = [
  {
    table: 'connections',
    key: ['id'],
    also: ['idp_id'],
    columns: {
      profile: {
        name: ({ id }) => profileName(String(id)),
        // The hashes that find a connection are made with the key that seals its profile.
        resealed(store, { id, idp_id }, sealed) {
          const profile = openProfile(store, String(id), sealed)
          return {
            ...sealedAndHashed(store, String(id), String(idp_id), profile),
            ...again(store, 'profile', profileName(String(id)), sealed),
          }
        },
      },
      idp_refresh_token: plain('idp_refresh_token', ({ id }) => idpTokenName(String(id))),
    },
  },
  {
    table: 'oidc_records',
    key: ['model', 'id_hash'],
    also: [],
    columns: {
      payload: plain('payload', ({ model, id_hash }) =>
        recordName(String(model), id_hash as Buffer),
      ),
      successor: plain('successor', ({ model, id_hash }) =>
        successorName(String(model), id_hash as Buffer),
      ),
    },
  },
  {
    table: 'signed_in_people',
    key: ['user_id'],
    also: [],
    columns: {
      profile: plain('profile', ({ user_id }) => personName(String(user_id))),
      idp_refresh_token: plain('idp_refresh_token', ({ user_id }) =>
        personTokenName(String(user_id)),
      ),
    },
  },
]

function plain(column: string, name: SealedColumn['name']): SealedColumn {
  return { name, resealed: (store, row, sealed) => again(store, column, name(row), sealed) }
}

/** As it is, also what this version would not read of it. */
function again({ ring }: Pick<Store, 'ring'>, column: string, name: string, sealed: Buffer) {
  return { [column]: seal(ring, name, unseal(ring, name, sealed)) }
}
