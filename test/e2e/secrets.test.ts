import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { beRefused, goThrough, meetBrokenDatabase, meetFailingIdp } from '../support/canary-flow.ts'
import { collectSecrets, type Kind, type KnownSecret, rightful } from '../support/canary-secrets.ts'
import { type CanaryStack, openCanaryStack } from '../support/canary-stack.ts'
import { type Recorded, valuesOf } from '../support/http-recorder.ts'
import { findSecrets } from '../support/secret-search.ts'
import { dumpDatabase, dumpWithPlanted } from '../support/dump-database.ts'
import { describeOwnStack } from '../support/stack.ts'
import { plantLeaks } from '../support/planted-leaks.ts'

describeOwnStack('everything that is written', 'the logs and keys of every part', () => {
  let stack: CanaryStack
  let secrets: readonly KnownSecret[]
  let logs: ReadonlyMap<string, string>
  let metrics: readonly string[]
  let database: ReadonlyMap<string, string>
  let in_clear: { readonly secret: KnownSecret; readonly dump: ReadonlyMap<string, string> }
  const planted = { name: 'planted', value: randomBytes(24).toString('base64url') }

  beforeAll(async () => {
    stack = await openCanaryStack()
    const done = await goThrough(stack)
    await beRefused(stack, done)
    await meetFailingIdp(stack)
    await meetBrokenDatabase(stack)
    await plantLeaks(stack, planted.value)
    metrics = await metricsOf(await stack.logs())
    database = await dumpDatabase(stack.database_url)
    const [refresh_token] = collectSecrets(stack).filter(({ name }) =>
      name.includes('refresh_token'),
    )
    in_clear = await dumpWithPlanted(stack.database_url, refresh_token)
    await stack.stop()
    logs = await stack.logs()
    secrets = collectSecrets(stack)
  }, 120_000)
  afterAll(() => stack.close())

  it('R08 is searched for every kind of secret', () => {
    const kinds: readonly Kind[] = [
      ...(['key', 'database password', 'password', 'cookie', 'csrf', 'state', 'code'] as const),
      ...(['verifier', 'token', 'client secret', 'assertion', 'company client secret'] as const),
      ...(['company cookie', 'company state', 'company code', 'company verifier'] as const),
      'company token',
    ]
    expect([...new Set(secrets.map(({ kind }) => kind))].sort()).toEqual([...kinds].sort())
  })

  const written = ['gateway.log', 'plugin-server.log', 'mcp-server.log', 'console.log']
  it.each([...written, 'dev-idp.log', 'postgres.log'])('R08 %s holds none of them', name => {
    const log = logs.get(name) ?? ''
    expect(log.split('\n').length).toBeGreaterThan(1)
    expect(findSecrets(log, secrets)).toEqual([])
  })

  it('R08 there is no log that was not searched', () => {
    expect([...logs.keys()].sort()).toEqual([
      'console.log',
      'dev-idp.log',
      'gateway.log',
      'mcp-server.log',
      'plugin-server.log',
      'postgres.log',
    ])
  })

  it('R08 no metric holds one', () => {
    expect(metrics).toHaveLength(3)
    expect(findSecrets(metrics.join('\n'), secrets)).toEqual([])
  })

  it('K01 a dump of the database holds none of them', () => {
    for (const table of ['public.oidc_records', 'public.connections', 'public.audit_events'])
      expect(database.get(table)?.length).toBeGreaterThan(1_000)
    const leaks = [...database].flatMap(([table, text]) =>
      findSecrets(text, secrets).map(leak => ({ table, ...leak })),
    )
    expect(leaks).toEqual([])
  })

  it('K01 emails stand in the audit trail only', () => {
    const tables = [...database].filter(([, text]) => text.includes('erin@acme.example'))
    expect(tables.map(([table]) => table)).toEqual(['public.audit_events'])
  })

  it('K01 a row planted in clear is found in a dump by the same search', () => {
    const { secret, dump } = in_clear
    const found = [...dump].filter(([, text]) => findSecrets(text, [secret]).length > 0)
    expect(found.map(([table]) => table)).toEqual(['public.oidc_records'])
  })

  it.each(['gateway.log', 'plugin-server.log', 'mcp-server.log'])(
    'R08 a leak that was planted in %s is found',
    name => {
      expect(findSecrets(logs.get(name) ?? '', [planted])).toHaveLength(1)
    },
  )

  it('R08 each secret would be found in a log, in every way of writing it', () => {
    const log = logs.get('plugin-server.log') ?? ''
    for (const secret of secrets) {
      const bytes = Buffer.from(secret.value)
      const written = [
        ...(typeof secret.value === 'string'
          ? [secret.value, encodeURIComponent(secret.value)]
          : []),
        ...(['hex', 'base64', 'base64url'] as const).map(encoding => bytes.toString(encoding)),
      ]
      for (const text of written) {
        const line = JSON.stringify({ level: 30, msg: JSON.stringify({ detail: text }) })
        expect(findSecrets(`${log}${line}\n`, [secret])).toHaveLength(1)
      }
    }
  })

  it('R08 the gateway answers with a secret only to whom it belongs, where it belongs', () => {
    const leaks = stack.client.exchanges.flatMap(exchange =>
      partsOf(exchange).flatMap(([part, text]) => {
        const allowed = rightful(exchange, part, stack)
        const others = secrets.filter(({ kind }) => !allowed.includes(kind))
        const where = `${exchange.method} ${exchange.url.split('?')[0] ?? ''} ${exchange.status} ${part}`
        return findSecrets(text, others).map(leak => ({ where, ...leak }))
      }),
    )
    expect(stack.client.exchanges.length).toBeGreaterThan(50)
    expect(leaks).toEqual([])
  })

  it('R08 the MCP server gets the assertion and nothing else', () => {
    const others = secrets.filter(({ kind }) => kind !== 'assertion')
    const asked = stack.upstream.exchanges
    expect(asked.length).toBeGreaterThan(1)
    for (const { url, request_headers, request_body } of asked)
      expect(findSecrets([url, ...request_headers, request_body].join('\n'), others)).toEqual([])
  })

  it('R08 the identity provider gets what is its own and nothing else', () => {
    const own: readonly Kind[] = [
      'company client secret',
      'company code',
      'company verifier',
      'company token',
    ]
    const others = secrets.filter(({ kind }) => !own.includes(kind))
    // The gateway's own requests: on one computer a browser sends all cookies of localhost there.
    const asked = stack.idp.exchanges.filter(({ url }) =>
      /^\/(?:token|me|jwks|\.well-known\/.*)$/.test(url),
    )
    expect(asked.some(({ url }) => url === '/token')).toBe(true)
    for (const { url, request_headers, request_body } of asked)
      expect(findSecrets([url, ...request_headers, request_body].join('\n'), others)).toEqual([])
  })

  it.each([...written, 'dev-idp.log'])('O03 every line of %s is a JSON object', name => {
    const odd = (logs.get(name) ?? '').split('\n').filter(line => line !== '' && !isObject(line))
    expect(odd).toEqual([])
  })

  it('O03 gateway, plugin and MCP server name a request by the same id', () => {
    const ids = (name: string) =>
      new Set(
        [...(logs.get(name) ?? '').matchAll(/"(?:x-)?request[_-]id":"([^"]+)"/g)].map(
          ([, id]) => id,
        ),
      )
    const at_gateway = ids('gateway.log')
    for (const part of ['plugin-server.log', 'mcp-server.log']) {
      const shared = [...ids(part)].filter(id => at_gateway.has(id))
      expect(shared.length).toBeGreaterThan(0)
    }
  })
})

type Part = Parameters<typeof rightful>[1]

function partsOf({ headers, body }: Recorded): readonly (readonly [Part, string])[] {
  const rest = headers.filter((_, index) => {
    const name = headers[index - (index % 2)]?.toLowerCase()
    return name !== 'set-cookie' && name !== 'location'
  })
  return [
    ['set-cookie', valuesOf(headers, 'set-cookie').join('\n')],
    ['location', valuesOf(headers, 'location').join('\n')],
    ['other headers', rest.join('\n')],
    ['body', body],
  ]
}

async function metricsOf(logs: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const ports = [...logs.values()].flatMap(log =>
    [...log.matchAll(/"port":(\d+),"msg":"metrics are served"/g)].map(([, port]) => port ?? ''),
  )
  return Promise.all(
    ports.map(async port => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
  )
}

function isObject(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object'
  } catch {
    return false
  }
}
