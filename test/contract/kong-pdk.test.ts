import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import { parseConfig } from '../../plugins/mcp-oidc/config/settings.ts'
import { createConnection } from '../../storage/connections.ts'
import { openDatabase } from '../../storage/database.ts'
import { rawConfig } from '../support/config.ts'
import { createTestDatabase } from '../support/database.ts'
import { temporaryDirectory } from '../support/plugin-server/temporary-directory.ts'
import {
  plugins_directory,
  queryOwn,
  queryStock,
  type RunningServer,
  startOwnServer,
  startStockServer,
} from './kong-pdk-servers.ts'
import { ask, type ClientRequest, exitOf, withoutChance } from './kong-pdk-request.ts'

type Ask = (request: ClientRequest, failing?: Parameters<typeof ask>[3]) => ReturnType<typeof ask>

/** One plugin server with the instances that Kong would start for config/kong.yml. */
interface Served {
  readonly resource: Ask
  readonly authorization: Ask
  /** `serve: resource` with a database that nobody answers for. */
  readonly broken: Ask
  /** Starts an instance and gives its id. */
  readonly start: (config: unknown) => Promise<number>
}

const stack = new AsyncDisposableStack()
const issuer = 'https://gw.example'
const redirect_uri = 'http://127.0.0.1:53682/callback'
let stock: Served
let own: Served
let token: string

beforeAll(async () => {
  const directory = stack.use(await temporaryDirectory())
  const database = await createTestDatabase()
  stack.defer(() => database.drop())
  const config = rawConfig({ issuer, database_url: database.url })
  token = await accessToken(config, database.url)
  stock = await serve(
    await startStockServer(join(directory.path, 'stock.sock'), plugins_directory),
    config,
  )
  own = await serve(await startOwnServer(join(directory.path, 'own.sock')), config)
})

afterAll(() => stack.disposeAsync())

async function serve(server: RunningServer, config: Record<string, unknown>): Promise<Served> {
  stack.defer(() => server.close())
  const { client } = server
  const start = (changed: unknown) => client.startInstance('mcp-oidc', changed)
  const open = async (changes: Readonly<Record<string, unknown>>): Promise<Ask> => {
    const id = await start({ ...config, ...changes })
    return (request, failing) => ask(client, id, request, failing)
  }
  return {
    start,
    resource: await open({ serve: 'resource' }),
    authorization: await open({ serve: 'authorization' }),
    broken: await open({ database_url: 'postgresql://nobody@127.0.0.1:1/none' }),
  }
}

/** Of a connection that is in the database. */
async function accessToken(config: Record<string, unknown>, url: string): Promise<string> {
  const { settings } = parseConfig(config)
  const [{ kid, key }] = settings.signing_keys
  const db = openDatabase(url)
  stack.defer(() => db.destroy())
  const of = { user_id: 'usr_alice', org_id: 'acme', client_id: 'client-1' }
  await createConnection(
    { db, ring: settings.storage_keys },
    {
      ...of,
      id: 'con_1',
      idp_id: 'dev',
      expires_at: new Date(Date.now() + 60_000),
      profile: { email: 'alice@acme.example', roles: ['admin'], idp_sub: 'alice' },
    },
  )
  const claims = { sid: 'con_1', ...of, scope: 'mcp:tools', jti: 'j1' }
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
    .setIssuer(issuer)
    .setAudience(settings.resource)
    .setSubject(of.user_id)
    .setIssuedAt()
    .setExpirationTime('10 minutes')
    .sign(key)
}

const registration = {
  method: 'POST',
  url: '/register',
  headers: { host: 'gw.example', 'content-type': 'application/json' },
  body: JSON.stringify({ redirect_uris: [redirect_uri], client_name: 'Größe' }),
}

function authorization(client_id: string): ClientRequest {
  const parameters = new URLSearchParams({
    client_id,
    redirect_uri,
    response_type: 'code',
    state: 'abc',
    scope: 'mcp:tools',
    resource: `${issuer}/mcp`,
    code_challenge: createHash('sha256').update(randomBytes(32)).digest('base64url'),
    code_challenge_method: 'S256',
  })
  return { url: `/authorize?${parameters.toString()}`, headers: { host: 'gw.example' } }
}

describe('the plugin in the stock kong-js-pluginserver', () => {
  it('is described to Kong as by our own plugin server', async () => {
    const [stock, own] = await Promise.all([queryStock(), queryOwn()])
    expect(stock).toEqual((own as { Plugins: unknown }).Plugins)
  })

  it('G03 answers a request without a token, or with a bad one, with the same challenge', async () => {
    for (const headers of [{}, { authorization: 'Bearer nonsense' }]) {
      const request = { method: 'POST', url: '/mcp', headers }
      const answer = await stock.resource(request)
      expect(answer).toEqual(await own.resource(request))
      const { status, headers: answered } = exitOf(answer)
      expect(status).toBe(401)
      expect(answered['www-authenticate']).toContain(
        `resource_metadata="${issuer}/.well-known/oauth-protected-resource/mcp"`,
      )
    }
  })

  it('T01 M01 turns a good token into the same identity, in the same two PDK calls', async () => {
    const request = { method: 'POST', url: '/mcp', headers: { authorization: `Bearer ${token}` } }
    const [stocks, owns] = [await stock.resource(request), await own.resource(request)]
    expect(stocks.outcome).toEqual({ kind: 'continue' })
    expect(stocks.calls).toEqual(['kong.request.get_header', 'kong.service.request.set_headers'])
    expect(owns.calls).toEqual(stocks.calls)
    const { Authorization: stock_assertion, ...stock_headers } = stocks.upstream
    const { Authorization: own_assertion, ...own_headers } = owns.upstream
    expect(stock_headers).toEqual(own_headers)
    expect(stock_headers).toMatchObject({ 'X-User-Id': 'usr_alice', 'X-Org-Id': 'acme' })
    expect(assertionOf(stock_assertion)).toEqual(assertionOf(own_assertion))
  })

  it.each([
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-authorization-server',
    '/.well-known/nothing',
    '/jwks',
    '/mcp',
  ])('answers %s with the same exit', async url => {
    const request = { url, headers: { host: 'evil.example', accept: ['a/b', 'c/d'] } }
    const answer = exitOf(await stock.authorization(request))
    expect(answer).toEqual(exitOf(await own.authorization(request)))
    expect(answer.body).not.toBe('')
    expect(answer.body).not.toContain('evil')
  })

  it('registers a client with the same exit', async () => {
    const answer = exitOf(await stock.authorization(registration))
    expect(withoutChance(answer)).toEqual(
      withoutChance(exitOf(await own.authorization(registration))),
    )
    expect(answer.status).toBe(201)
    expect(JSON.parse(answer.body)).toMatchObject({ client_name: 'Größe' })
  })

  it('refuses a registration that is not UTF-8, or nothing but long, with the same exit', async () => {
    for (const body of [Uint8Array.of(0x7b, 0x22, 0xff, 0x22), 'x'.repeat(48_000)]) {
      const request = { ...registration, body }
      const answer = exitOf(await stock.authorization(request))
      expect(answer).toEqual(exitOf(await own.authorization(request)))
      expect(answer.status).toBe(400)
    }
  })

  it('leads from /authorize to the page that names the client, with every cookie', async () => {
    const { body } = exitOf(await stock.authorization(registration))
    const { client_id } = JSON.parse(body) as { client_id: string }
    const request = authorization(client_id)
    const led = exitOf(await stock.authorization(request))
    expect(withoutChance(led)).toEqual(withoutChance(exitOf(await own.authorization(request))))
    const cookies = [led.headers['set-cookie'] ?? []].flat()
    expect(cookies.length).toBeGreaterThan(1)

    const cookie = cookies.map(each => each.split(';')[0]).join('; ')
    const next = new URL(String(led.headers.location), issuer).pathname
    const page = { url: next, headers: { host: 'gw.example', cookie } }
    const stocks = exitOf(await stock.authorization(page))
    // Also proves that a sign-in begun on one server goes on on the other.
    expect(withoutChance(stocks)).toEqual(withoutChance(exitOf(await own.authorization(page))))
    expect(stocks.status).toBe(200)
    expect(stocks.body).toContain('Größe')
  })

  it('G01 exits with the same 503 when the database is away', async () => {
    const request = { url: '/mcp', headers: { authorization: `Bearer ${token}` } }
    const answer = exitOf(await stock.broken(request))
    expect(answer).toEqual(exitOf(await own.broken(request)))
    expect(answer.status).toBe(503)
  })

  it.each(['kong.request.get_header', 'kong.service.request.set_headers'] as const)(
    'G01 exits with 503 when %s fails',
    async failing => {
      const request = { url: '/mcp', headers: { authorization: `Bearer ${token}` } }
      expect(exitOf(await stock.resource(request, failing)).status).toBe(503)
    },
  )

  it('G01 exits with 503 when Kong has no body to give', async () => {
    const answer = await stock.authorization(registration, 'kong.request.get_raw_body')
    expect(exitOf(answer).status).toBe(503)
  })

  it('O05 is not started with a wrong configuration, and says what is wrong', async () => {
    const wrong = rawConfig({ issuer: 'http://gw.example/', signing_keys: '{}' })
    await expect(stock.start(wrong)).rejects.toThrow(/issuer[^]*signing_keys/)
  })
})

/** Without what differs from one assertion to the next. */
function assertionOf(authorization: unknown): unknown {
  const jwt = String(authorization).slice('Bearer '.length)
  const { iat = 0, exp = 0, jti, ...claims } = decodeJwt(jwt)
  return { ...decodeProtectedHeader(jwt), ...claims, lifetime: exp - iat, jti: typeof jti }
}
