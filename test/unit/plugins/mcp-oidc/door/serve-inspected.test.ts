import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import type { Headers, RawBody } from '../../../../../gateway/plugin-server/pdk.ts'
import { parseConfig } from '../../../../../plugins/mcp-oidc/config/settings.ts'
import type { Door } from '../../../../../plugins/mcp-oidc/door/door.ts'
import { refuse } from '../../../../../plugins/mcp-oidc/door/challenge.ts'
import { identityHeaders } from '../../../../../plugins/mcp-oidc/door/identity.ts'
import { serveInspected } from '../../../../../plugins/mcp-oidc/door/serve-inspected.ts'
import { failClosed } from '../../../../../plugins/mcp-oidc/fail-closed.ts'
import { rawConfig } from '../../../../support/config.ts'
import { untraced } from '../../../../../plugins/mcp-oidc/tracing/tracer.ts'
import { recordingLog, runPhase } from '../../../../support/fake-kong.ts'

const { settings } = parseConfig(
  rawConfig({
    scopes: [
      { name: 'mcp:tools', description: 'Use tools', default: true },
      { name: 'mcp:write', description: 'Change things' },
    ],
    tool_rules: [
      { tool: 'find' },
      { tool: 'write', scope: 'mcp:write' },
      { tool: 'rule', roles: ['admin'] },
    ],
  }),
)
const identity = {
  ...{ user_id: 'usr_b', org_id: 'acme', email: 'bob@acme.example', roles: ['clerk'] },
  ...{ client_id: 'client', scope: 'openid mcp:tools', connection_id: 'con_1' },
}

interface Sent {
  readonly headers?: Headers
  readonly body?: RawBody | string
  readonly door?: Door['judge']
  readonly failing?: string
  readonly audit?: () => Promise<void>
}

/** What Kong and the audit trail hear of a request. */
async function serve({ headers = {}, body = '', door, failing, audit }: Sent) {
  const events: unknown[] = []
  const log = recordingLog()
  const judge: Door['judge'] =
    door ??
    (() =>
      Promise.resolve({ refused: false, identity, headers: identityHeaders(identity, 'signed') }))
  const record = async (req: object, event: object) => {
    await audit?.()
    events.push({ ...req, ...event })
  }
  const inspection = {
    ...{ settings, rules: settings.tool_rules ?? [], log },
    audit: Object.assign(record, {
      within: () => Promise.reject(new Error('no transaction')),
      together: () => Promise.reject(new Error('no other statement')),
      refused: (refusal: object) => void events.push({ counted: refusal }),
    }),
    metrics: { request: () => undefined },
    tracer: untraced,
  }
  const outcome = await runPhase(
    kong =>
      failClosed(kong, log, () => serveInspected(kong, { judge, remembered: () => 0 }, inspection)),
    {
      method: 'POST',
      headers: {
        authorization: 'Bearer t',
        'content-type': 'application/json',
        'x-request-id': 'r1',
        ...headers,
      },
      body: typeof body === 'string' ? { content: Buffer.from(body) } : body,
    },
    failing,
  )
  return { ...outcome, events }
}

const call = (name: string) =>
  JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name } })

describe('G06 a message on its way', () => {
  it('is passed on with the identity and what it is counted as, in three calls', async () => {
    const { calls, upstream, exit, events } = await serve({ body: call('find') })
    expect(exit).toBeUndefined()
    expect(calls).toEqual([
      'request.getHeaders',
      'request.getRawBody',
      'service.request.setHeaders',
    ])
    expect(upstream).toMatchObject({
      Authorization: 'Bearer signed',
      'X-User-Id': 'usr_b',
      'X-Mcp-Tool': 'usr_b/find',
    })
    expect(events).toEqual([])
  })

  it('is read from the file that nginx put it into', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'body-'))
    const body_filepath = join(folder, 'body')
    await writeFile(body_filepath, call('rule').padEnd(20_000))
    const { exit } = await serve({ body: { body_filepath } })
    expect(exit?.status).toBe(403)
    await rm(folder, { recursive: true })
  })

  it('is refused under an encoding, in whichever of two headers', async () => {
    for (const encoding of ['br', ['identity', 'br']]) {
      const headers = { 'content-encoding': encoding }
      const { exit, upstream } = await serve({ body: call('find'), headers })
      expect(exit?.status).toBe(415)
      expect(upstream).toEqual({})
    }
  })

  it.each([
    ['a role', call('rule'), 403, '-32003'],
    ['a batch', `[${call('find')}]`, 400, '-32600'],
    ['headers that disagree', call('other'), 400, '-32020'],
  ])('is refused for %s, on record, with its own id', async (_name, body, status, error_code) => {
    const headers = error_code === '-32020' ? { 'mcp-name': 'find' } : {}
    const { exit, upstream, events } = await serve({ body, headers })
    expect(exit?.status).toBe(status)
    const { id, error } = JSON.parse(exit?.body ?? '') as { id: unknown; error: { code: number } }
    expect([id, error.code]).toEqual([body.startsWith('[') ? null : 9, Number(error_code)])
    expect(upstream).toEqual({})
    expect(events).toEqual([
      expect.objectContaining({
        ...{ type: 'refusal', outcome: 'refused', error_code, user_id: 'usr_b', org_id: 'acme' },
        ...{ email: 'bob@acme.example', connection_id: 'con_1' },
        headers: { 'x-request-id': 'r1' },
      }),
    ])
  })

  it('G03 lists every scope that the operation needs', async () => {
    const { exit, events } = await serve({ body: call('write') })
    expect(exit?.status).toBe(403)
    expect(exit?.headers['www-authenticate']).toMatch(
      /^Bearer error="insufficient_scope".* scope="mcp:tools mcp:write"/,
    )
    expect(events).toMatchObject([{ error_code: 'insufficient_scope' }])
  })

  it('is not looked at before its token is', async () => {
    const verdict = refuse(settings, undefined, 'Sign in', 'no_token', 'no token')
    const { calls, exit, events } = await serve({ body: '[', door: () => Promise.resolve(verdict) })
    expect(exit?.status).toBe(401)
    expect(calls).toEqual(['request.getHeaders', 'client.getForwardedIp', 'response.exit'])
    expect(events).toEqual([
      { counted: { type: 'refusal', outcome: 'refused', error_code: 'no_token', ip: '192.0.2.7' } },
    ])
  })

  it.each(['request.getHeaders', 'request.getRawBody', 'service.request.setHeaders'])(
    'G01 is not passed on when %s fails',
    async failing => {
      const { exit } = await serve({ body: call('find'), failing })
      expect(exit?.status).toBe(503)
    },
  )

  it('G01 is not passed on when the file of its body is gone, or its refusal cannot be recorded', async () => {
    expect((await serve({ body: { body_filepath: '/nowhere/body' } })).exit?.status).toBe(503)
    const audit = () => Promise.reject(new Error('no database'))
    expect((await serve({ body: '[]', audit })).exit?.status).toBe(503)
  })
})
