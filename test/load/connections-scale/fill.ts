import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { createConnection } from '../../../storage/connections.ts'
import { upsertRecord } from '../../../storage/records.ts'
import type { Store } from '../../../storage/store.ts'

/** A connection that opens, and its refresh token. */
export interface RealConnection {
  readonly id: string
  readonly user_id: string
  refresh_token: string
}

/** Bytes of a sealed profile, token of an identity provider, Grant and RefreshToken. */
const bytes = { profile: 200, idp_token: 250, grant: 450, refresh_token: 750 } as const
const month = 30 * 86_400_000
/** Real ones are written after each so many others, so they lie everywhere in the tables. */
const chunk = 50_000
const at_once = 8

/** All that open are of this organization and this client. */
export const real_org = 'real'
export const real_client = 'https://client.example/metadata.json'
/** Connections of each of the other organizations, `org0` and so on. */
export const connections_of_org = 100

/**
 * Makes so many active connections, each with its grant and refresh token. Some are real; the others
 * differ from those in that they do not open, and their ends lie within the next month.
 */
export async function fill(
  store: Store,
  connections: number,
  real: number,
  report: (line: string) => void,
): Promise<RealConnection[]> {
  const made: RealConnection[] = []
  for (let done = 0; done < connections;) {
    const size = Math.min(chunk, connections - done)
    const wanted = Math.round((real * (done + size)) / connections) - made.length
    const half = Math.floor((size - wanted) / 2)
    await Promise.all([
      fillUnreal(store, done, half),
      fillUnreal(store, done + half, size - wanted - half),
    ])
    for (let n = 0; n < wanted; n += at_once)
      made.push(
        ...(await Promise.all(
          Array.from({ length: Math.min(at_once, wanted - n) }, () => makeReal(store)),
        )),
      )
    done += size
    if (connections > chunk) report(`${done} of ${connections} connections`)
  }
  await sql`vacuum analyze`.execute(store.db)
  return made
}

async function makeReal(store: Store): Promise<RealConnection> {
  const [id, refresh_token] = [newId(), newId()]
  const user_id = `usr_${newId()}`
  const expires_at = new Date(Date.now() + month)
  await createConnection(store, {
    ...{ id, user_id, org_id: real_org, client_id: real_client },
    idp_id: 'okta',
    expires_at,
    profile: { email: `${id}@acme.example`, roles: ['analyst'], idp_sub: id, idp_sid: id },
    idp_refresh_token: 'x'.repeat(bytes.idp_token - 50),
  })
  await upsertRecord(store, 'Grant', id, { text: 'x'.repeat(bytes.grant - 60) }, { expires_at })
  await upsertRecord(store, 'RefreshToken', refresh_token, refreshPayload(id), {
    grant_id: id,
    expires_at,
  })
  return { id, user_id, refresh_token }
}

/** As long as oidc-provider's. */
export const refreshPayload = (grantId: string) => ({
  grantId,
  text: 'x'.repeat(bytes.refresh_token - 130),
})

export const newId = () => randomBytes(32).toString('base64url')

async function fillUnreal({ db }: Store, from: number, count: number): Promise<void> {
  const n = sql`generate_series(${from + 1}::int, ${from + count}::int) n`
  const noise = (length: number) =>
    sql`decode(repeat(md5(n::text), ${Math.ceil(length / 16)}), 'hex')`
  const id = sql`translate(encode(sha256(n::text::bytea), 'base64'), '+/=', '-_')`
  const hash = (what: string) => sql`sha256((${what}::text || n)::bytea)`
  const expires_at = sql`now() + (1 + n % 40000) * interval '1 minute'`
  await sql`
    insert into connections (id, user_id, org_id, client_id, idp_id, expires_at, profile,
      idp_refresh_token, idp_asked_at, email_hash, idp_sid_hash)
    select ${id}, 'usr_' || n / 2, 'org' || n / ${connections_of_org}::int, 'client' || n % 5000, 'okta', ${expires_at},
      ${noise(bytes.profile)}, ${noise(bytes.idp_token)}, now(), ${hash('email')}, ${hash('sid')}
    from ${n}`.execute(db)
  await sql`
    insert into oidc_records (model, id_hash, grant_id, payload, expires_at)
    select 'Grant', sha256((${id})::bytea), null, ${noise(bytes.grant)}, ${expires_at} from ${n}
    union all
    select 'RefreshToken', ${hash('token')}, ${id}, ${noise(bytes.refresh_token)}, ${expires_at}
    from ${n}`.execute(db)
}
