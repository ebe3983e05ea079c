import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { inject } from 'light-my-request'
import {
  type AuthorizationServer,
  connect,
  openAuthorizationServer,
  type Tokens,
} from '../../../support/authorization-server.ts'
import { connectionOf } from '../../../support/token-claims.ts'

describe('the events of the token endpoint', () => {
  let server: AuthorizationServer

  beforeAll(async () => {
    server = await openAuthorizationServer()
  })
  afterAll(() => server.close())

  /** As the plugin hands it to the app: with the client's address and Kong's id of the request. */
  async function post(ip: string, parameters: Readonly<Record<string, string>>) {
    const { json, statusCode } = await inject(server.runtime.app, {
      method: 'POST',
      url: '/token',
      remoteAddress: ip,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-request-id': `from-${ip}`,
      },
      payload: new URLSearchParams(parameters).toString(),
    })
    return { status: statusCode, body: json<Tokens>() }
  }

  it('O01 name the address of the client, the request and the person', async () => {
    const { redemption, client_id } = await connect(server.url)
    const { body } = await post('192.0.2.1', redemption)
    const { refresh_token } = body
    const refresh = { grant_type: 'refresh_token', client_id, refresh_token }
    for (const ip of ['192.0.2.2', '192.0.2.3']) expect((await post(ip, refresh)).status).toBe(200)
    const events = await server.db
      .selectFrom('audit_events')
      .select(['type', 'ip', 'request_id', 'email', 'org_id', 'outcome'])
      .where('connection_id', '=', connectionOf(body))
      .where('type', 'in', ['token', 'refresh'])
      .orderBy('id')
      .execute()
    const who = { email: 'alice@acme.example', org_id: 'acme', outcome: 'ok' }
    expect(events).toEqual([
      { type: 'token', ip: '192.0.2.1', request_id: 'from-192.0.2.1', ...who },
      { type: 'refresh', ip: '192.0.2.2', request_id: 'from-192.0.2.2', ...who },
      // The same token again, a moment later: its successor, and that from another address.
      { type: 'refresh', ip: '192.0.2.3', request_id: 'from-192.0.2.3', ...who },
    ])
  })
})
