import pg from 'pg'
import type { KnownSecret } from './canary-secrets.ts'

/** Every row of every table, as text that can be searched; by `schema.table`. */
export async function dumpDatabase(url: string): Promise<ReadonlyMap<string, string>> {
  return connected(url, dump)
}

/** The same with one more row, which holds a secret as nothing should; the row is gone afterwards. */
export async function dumpWithPlanted(url: string, secret: KnownSecret | undefined) {
  if (!secret) throw new Error('no secret went over a wire')
  return connected(url, async client => {
    await client.query('begin')
    await client.query(
      `insert into oidc_records (model, id_hash, payload) values ('planted', sha256('planted'), $1)`,
      [Buffer.from(JSON.stringify({ refresh_token: secret.value }))],
    )
    const planted = await dump(client)
    await client.query('rollback')
    return { secret, dump: planted }
  })
}

async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function dump(client: pg.Client): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ name: string }>(`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')
      -- What a partition holds is read with its table.
      and not (select relispartition from pg_class
        where oid = format('%I.%I', schemaname, tablename)::regclass)
    order by 1`)
  const tables = new Map<string, string>()
  for (const { name } of rows) {
    const content = await client.query<Record<string, unknown>>(`select * from ${name}`)
    tables.set(name, content.rows.flatMap(row => Object.values(row).map(cell)).join('\n'))
  }
  return tables
}

/** Bytes are shown as bytes and as what they may spell. */
function cell(value: unknown): string {
  if (Buffer.isBuffer(value)) return `${value.toString('hex')} ${value.toString('latin1')}`
  return typeof value === 'string' ? value : JSON.stringify(value)
}
