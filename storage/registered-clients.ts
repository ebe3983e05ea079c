import { sql } from 'kysely'
import { idHash } from './digest.ts'
import { prepare } from './prepared.ts'
import { recordName } from './record-row.ts'
import { seal } from './seal.ts'
import type { Store } from './store.ts'

const model = 'Client'

export interface Registration {
  readonly id: string
  readonly payload: Record<string, unknown>
  /** Seconds after which it is removed, unless it was used. */
  readonly unused_ttl: number
  /** Beyond so many that wait to be used, no new one is taken. */
  readonly most_unused: number
}

const register = prepare(
  (db, id_hash: Buffer, sealed: Buffer, unused_ttl: number, most_unused: number) =>
    sql`
      insert into oidc_records (model, id_hash, payload, expires_at)
      select ${model}, ${id_hash}, ${sealed}, now() + make_interval(secs => ${unused_ttl})
      where exists (
        select from oidc_records
        where model = ${model} and id_hash = ${id_hash} and (expires_at is null or expires_at > now())
      ) or ${most_unused} > (
        select count(*) from (
          select from oidc_records
          where model = 'Client' and expires_at is not null and expires_at > now()
          limit ${most_unused}
        ) as unused
      )
      on conflict (model, id_hash) do update set
        payload = excluded.payload,
        expires_at = case when oidc_records.expires_at is null then null else excluded.expires_at end
      returning model`.compile(db),
)

/**
 * Registers a client, or registers it again: the end of an unused one moves, a used one stays without
 * end. False when too many wait to be used, and this one was not among them. Each statement counts
 * what was committed before it began, so those at the same moment may exceed the limit by as many as
 * there are: never more than the pools of all replicas have connections. A lock would let a flood
 * hold those connections, and with them the sign-ins.
 */
export async function registerClient(
  { db, ring }: Store,
  { id, payload, unused_ttl, most_unused }: Registration,
): Promise<boolean> {
  const id_hash = idHash(id)
  const sealed = seal(ring, recordName(model, id_hash), payload)
  const { rows } = await register(db, id_hash, sealed, unused_ttl, most_unused)
  return rows.length === 1
}
