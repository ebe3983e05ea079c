import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parseConfig } from '../../../../plugins/mcp-oidc/config/settings.ts'
import { createMetrics } from '../../../../plugins/mcp-oidc/metrics.ts'
import { createRuntime } from '../../../../plugins/mcp-oidc/runtime.ts'
import {
  type AuthorizationServer,
  connect,
  openAuthorizationServer,
  token,
} from '../../../support/authorization-server.ts'
import { rawConfig } from '../../../support/config.ts'
import { recordingLog } from '../../../support/fake-kong.ts'

let server: AuthorizationServer
let user_id: string
let connection_id: string
beforeAll(async () => {
  server = await openAuthorizationServer()
  const { redemption, client_id } = await connect(server.url)
  const { body } = await token(server.url, redemption)
  await token(server.url, {
    grant_type: 'refresh_token',
    client_id,
    refresh_token: body.refresh_token,
  })
  await token(server.url, { ...redemption, code: 'never-issued' })
  await server.runtime.door.judge({ kind: 'bearer', token: body.access_token })
  await server.runtime.door.judge({ kind: 'none' })
  await server.runtime.door.judge({ kind: 'malformed' })
  await server.runtime.door.judge({ kind: 'bearer', token: 'nonsense' })
  // No provider, so that the state belongs to none: refused before anybody is asked.
  await fetch(`${server.url}/register`, { method: 'POST', body: 'not json' })
  const row = await server.db.selectFrom('connections').selectAll().executeTakeFirstOrThrow()
  user_id = row.user_id
  connection_id = row.id
})
afterAll(() => server.close())

const lines = async () => (await server.metrics.registry.metrics()).split('\n')

describe('the metrics of the plugin', () => {
  it.each([
    'mcp_oidc_requests_total{serve="resource",outcome="admitted"} 1',
    'mcp_oidc_requests_total{serve="resource",outcome="refused",reason="no_token"} 1',
    'mcp_oidc_requests_total{serve="resource",outcome="refused",reason="malformed"} 1',
    'mcp_oidc_requests_total{serve="resource",outcome="refused",reason="invalid_token"} 1',
    'mcp_oidc_validation_seconds_count 4',
    'mcp_oidc_logins_total{idp="dev",result="ok"} 1',
    'mcp_oidc_tokens_total{grant="authorization_code",result="ok"} 1',
    'mcp_oidc_tokens_total{grant="authorization_code",result="invalid_grant"} 1',
    'mcp_oidc_tokens_total{grant="refresh_token",result="ok"} 1',
    'mcp_oidc_refreshes_total{idp="dev",result="ok"} 1',
    'mcp_oidc_registrations_total{result="ok"} 1',
    'mcp_oidc_registrations_total{result="invalid_client_metadata"} 1',
    'mcp_oidc_consents_total{result="ok"} 1',
  ])('O02 say %s', async line => {
    expect(await lines()).toContain(line)
  })

  it('O02 show pools, caches and active connections by issuer', async () => {
    const all = await lines()
    const issuer = `issuer="${server.url}"`
    expect(all).toContain(`mcp_oidc_connections_active{${issuer}} 1`)
    expect(all).toContain(`mcp_oidc_cache_entries{${issuer},cache="verified_tokens"} 1`)
    expect(all).toContain(`mcp_oidc_cache_entries{${issuer},cache="connections"} 1`)
    expect(all).toContain(
      `mcp_oidc_database_pool{${issuer},pool="authorization",state="waiting"} 0`,
    )
  })

  it('O02 name no person, org, client or connection', async () => {
    const text = (await lines()).join('\n')
    expect(user_id).toMatch(/^usr_/)
    for (const value of [user_id, connection_id, 'alice@', 'acme', 'Test client'])
      expect(text).not.toContain(value)
  })

  it('G09 O02 stay as many, whatever clients send', async () => {
    const before = (await lines()).length
    for (let n = 0; n < 50; n += 1) {
      await server.runtime.door.judge({ kind: 'bearer', token: `nonsense-${n}` })
      await token(server.url, {
        grant_type: 'authorization_code',
        code: `c${n}`,
        client_id: `x${n}`,
      })
    }
    const names = (await lines()).length
    // One unknown client is a series, fifty are no more.
    expect(names - before).toBeLessThanOrEqual(2)
  })
})

describe('a plugin whose database is away', () => {
  it('O04 says that it does not answer, without its address, and still serves metrics', async () => {
    const { settings } = parseConfig(rawConfig())
    const log = recordingLog()
    const metrics = createMetrics()
    const runtime = createRuntime(settings, log, Date.now, metrics)
    await expect(runtime.answers()).rejects.toThrow(/^the database does not answer$/)
    expect(log.entries).toContainEqual(expect.objectContaining({ level: 'warn' }))
    const text = await metrics.registry.metrics()
    expect(text).toContain('mcp_oidc_database_pool{')
    expect(text).not.toContain('mcp_oidc_connections_active{')
    await runtime.close()
    expect(await metrics.registry.metrics()).not.toContain('mcp_oidc_database_pool{')
  })

  it('O04 is ready while it answers', async () => {
    await expect(server.runtime.answers()).resolves.toBeUndefined()
  })
})
