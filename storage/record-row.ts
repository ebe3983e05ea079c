import { sql } from 'kysely'
import { idHash } from './digest.ts'
import type { KeyRing } from './key-ring.ts'
import { seal, SealError, unseal } from './seal.ts'
import type { Store } from './store.ts'

export interface StoredRecord {
  readonly payload: Record<string, unknown>
  readonly consumed_at: Date | undefined
  /** The id of the record that took its place when it was consumed, if one did. */
  readonly successor: string | undefined
}

export interface RecordName {
  readonly model: string
  readonly id: string
}

export interface RecordKeys {
  /** Whose it is, to find a user's browser sessions by. */
  readonly user_id?: string
  readonly grant_id?: string
  readonly uid?: string
  readonly expires_at?: Date
}

/** What is read of a row. */
export interface RecordRow {
  readonly id_hash: Buffer
  readonly payload: Buffer
  readonly consumed_at: Date | null
  readonly successor: Buffer | null
}

export const record_columns = ['id_hash', 'payload', 'consumed_at', 'successor'] as const
/** Of a row of oidc_records. */
export const alive = sql<boolean>`(expires_at is null or expires_at > now())`

/** A row to be written. */
export type SealedRecord = ReturnType<typeof sealRecord>

/** The values of a new row: model, id_hash, payload, uid_hash, grant_id, expires_at, user_id. */
export function sealRecord(
  { ring }: Pick<Store, 'ring'>,
  model: string,
  id: string,
  payload: Record<string, unknown>,
  { uid, grant_id, expires_at, user_id }: RecordKeys,
) {
  const id_hash = idHash(id)
  return [
    model,
    id_hash,
    seal(ring, recordName(model, id_hash), payload),
    uid === undefined ? null : idHash(uid),
    grant_id ?? null,
    expires_at ?? null,
    user_id ?? null,
  ] as const
}

/** Throws SealError when the payload does not open. */
export function openRecord(
  { ring }: Pick<Store, 'ring'>,
  model: string,
  row: RecordRow,
): StoredRecord {
  const name = recordName(model, row.id_hash)
  const payload = unseal(ring, name, row.payload)
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    throw new SealError('malformed', `${name} does not hold an object`)
  return {
    payload: payload as Record<string, unknown>,
    consumed_at: row.consumed_at ?? undefined,
    successor:
      row.successor === null ? undefined : openSuccessor(ring, model, row.id_hash, row.successor),
  }
}

function openSuccessor(ring: KeyRing, model: string, id_hash: Buffer, sealed: Buffer): string {
  const name = successorName(model, id_hash)
  const successor = unseal(ring, name, sealed)
  if (typeof successor !== 'string') throw new SealError('malformed', `${name} does not hold an id`)
  return successor
}

/** What a record's payload is sealed for. */
export const recordName = (model: string, id_hash: Buffer) =>
  `oidc_records/${model}/${id_hash.toString('hex')}`
/** What the name of its successor is sealed for. */
export const successorName = (model: string, id_hash: Buffer) =>
  `${recordName(model, id_hash)}/successor`
