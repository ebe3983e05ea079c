import { sql } from 'kysely'
import { z } from 'zod'
import type { Database } from './database.ts'

const shape = z.object({
  resource_name: z.string(),
  resource: z.string(),
  scopes: z.array(z.object({ name: z.string(), description: z.string() })),
  /** Seconds. */
  access_token_ttl: z.number(),
  connection_ttl: z.number(),
  connection_ttl_without_idp_refresh: z.number(),
  idp_outage_grace: z.number(),
  stale_connection_grace: z.number(),
  audit_retention: z.number(),
  unknown_clients: z.enum(['allow', 'ask', 'deny']),
  org_policies: z.array(
    z.object({ org: z.string(), unknown_clients: z.enum(['allow', 'ask', 'deny']) }),
  ),
})

/** What is in force at the gateway, as far as people may know it. Nothing here is a secret. */
export type GatewaySettings = z.output<typeof shape>

/** The plugin says what it runs with; the latest to start is believed. */
export async function publishSettings(
  db: Database,
  issuer: string,
  settings: GatewaySettings,
): Promise<void> {
  const row = {
    settings: sql`${JSON.stringify(shape.parse(settings))}::jsonb`,
    written_at: sql<Date>`now()`,
  }
  await db
    .insertInto('gateway_settings')
    .values({ issuer, ...row })
    .onConflict(conflict => conflict.column('issuer').doUpdateSet(row))
    .execute()
}

/** Undefined when the gateway has not started yet on this database, or is of another release. */
export async function findSettings(
  db: Database,
  issuer: string,
): Promise<GatewaySettings | undefined> {
  const row = await db
    .selectFrom('gateway_settings')
    .select('settings')
    .where('issuer', '=', issuer)
    .executeTakeFirst()
  return row && shape.safeParse(row.settings).data
}
