import { type ClientName, findClientNames } from '../../storage/client-names.ts'
import { findSettings } from '../../storage/gateway-settings.ts'
import { findGrantScopes } from '../../storage/grant-scopes.ts'
import type { ConnectionSelector } from '../../storage/end-connections.ts'
import { listConnections, type ListedConnection } from '../../storage/list-connections.ts'
import type { Store } from '../../storage/store.ts'

/** An AI app as a page shows it. */
export interface ShownClient {
  readonly client_id: string
  readonly name: string
  /** Who vouches for the name. */
  readonly vouched_by: 'host' | 'operator' | 'nobody'
  /** The host that does. */
  readonly host: string | undefined
}

/** A connection as a page shows it. */
export interface ShownConnection extends Pick<
  ListedConnection,
  'id' | 'user_id' | 'email' | 'org_id' | 'created_at' | 'last_used_at' | 'expires_at'
> {
  readonly client: ShownClient
  /** What it may do, in words. */
  readonly scopes: readonly string[]
}

/** So many at most are on one page; whoever has more ends some first, or all. */
const most_shown = 200

/** The active connections that the selector names, the newest first. */
export async function describeConnections(
  store: Store,
  gateway_url: string,
  selector: ConnectionSelector,
): Promise<readonly ShownConnection[]> {
  const rows: ListedConnection[] = []
  for await (const row of listConnections(store, { selector, ended: false })) {
    rows.push(row)
    if (rows.length === most_shown) break
  }
  rows.sort((one, other) => other.created_at.getTime() - one.created_at.getTime())
  const clients = await describeClients(
    store,
    rows.map(({ client_id }) => client_id),
  )
  const words = await scopeWords(store, gateway_url)
  return Promise.all(
    rows.map(async row => ({
      id: row.id,
      user_id: row.user_id,
      email: row.email,
      org_id: row.org_id,
      created_at: row.created_at,
      last_used_at: row.last_used_at,
      expires_at: row.expires_at,
      client: clients(row.client_id),
      scopes: (await findGrantScopes(store, row.id)).map(words),
    })),
  )
}

/** Looks clients up; one whose name was never noted is called by its id. */
export async function describeClients(
  { db }: Pick<Store, 'db'>,
  client_ids: readonly string[],
): Promise<(client_id: string) => ShownClient> {
  const names = await findClientNames(db, client_ids)
  return client_id => shownClient(client_id, names.get(client_id))
}

const vouched_by = {
  verified_host: 'host',
  pre_registered: 'operator',
  self_declared: 'nobody',
} as const

function shownClient(client_id: string, known: ClientName | undefined): ShownClient {
  const kind = known?.kind ?? (URL.canParse(client_id) ? 'verified_host' : 'self_declared')
  return {
    client_id,
    name: known?.name ?? client_id,
    vouched_by: vouched_by[kind],
    host: kind === 'verified_host' ? URL.parse(client_id)?.host : undefined,
  }
}

/** Scopes in the operator's words; those that have none as they are. */
async function scopeWords({ db }: Store, gateway_url: string): Promise<(scope: string) => string> {
  const settings = await findSettings(db, gateway_url)
  const words = new Map(settings?.scopes.map(({ name, description }) => [name, description]))
  return scope => words.get(scope) ?? scope
}
