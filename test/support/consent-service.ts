import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createRemoteJWKSet, jwtVerify, SignJWT } from 'jose'

/** The claims of a request that a screen shows or a decision repeats. */
export interface ConsentRequest {
  readonly jti: string
  readonly transaction: string
  readonly sub: string
  readonly email: string
  readonly orgs: readonly string[]
  readonly client_id: string
  readonly client_name: string
  readonly client_kind: string
  readonly redirect_uri: string
  readonly resource: string
  readonly scopes: readonly string[]
  readonly return_to: string
  readonly iat: number
  readonly exp: number
}

export type Claims = Readonly<Record<string, unknown>>

/**
 * An example of a service that decides in place of the gateway's consent page. A real one also knows
 * who is at its screen, by a session of its own, and shows a request to its `sub` alone.
 */
export interface ConsentService {
  /** As the plugin's setting `consent` has it. */
  readonly setting: Readonly<Record<'mode' | 'url' | 'jwks_uri' | 'audience', string>>
  readonly public_key: KeyObject
  /** The issuer whose requests it takes. */
  gateway: string
  /** What is at its jwks_uri while it is not well; undefined is its keys. */
  ill: { readonly status: number; readonly body: string } | 'hang up' | undefined
  /** Checks a request, as it does before it shows anything. Rejects when it does not hold. */
  read(address: URL): Promise<ConsentRequest>
  /** The claims of a decision about a request. */
  claims(request: ConsentRequest, decision: 'approve' | 'deny', org?: string): Claims
  sign(claims: Claims, header?: object, key?: KeyObject): Promise<string>
  close(): Promise<void>
}

const audience = 'consent.example'
const kid = 'service-1'

export async function openConsentService(): Promise<ConsentService> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const address = new URL(req.url ?? '', setting.url)
    if (address.pathname === '/jwks') {
      if (service.ill === 'hang up') return void req.socket.destroy()
      const keys = [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }]
      const { status, body } = service.ill ?? { status: 200, body: JSON.stringify({ keys }) }
      return void res.writeHead(status, { 'content-type': 'application/json' }).end(body)
    }
    const form = new URLSearchParams(await text(req))
    if (req.method === 'POST') address.searchParams.set('request', form.get('request') ?? '')
    const request = await service.read(address)
    if (req.method !== 'POST') {
      const page = screen(request, address.searchParams.get('request') ?? '')
      return void res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page)
    }
    const decision = form.get('decision') === 'approve' ? 'approve' : 'deny'
    const back = new URL(request.return_to)
    const claims = service.claims(request, decision, form.get('org') ?? undefined)
    back.searchParams.set('decision', await service.sign(claims))
    // 303: the gateway is asked by GET, and so is sent its SameSite=Lax cookie.
    res.writeHead(303, { location: back.href }).end()
  }

  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => {
      res.writeHead(400, { 'content-type': 'text/plain' }).end(String(error))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const setting = {
    mode: 'external',
    url: `${origin}/consent?tenant=acme`,
    jwks_uri: `${origin}/jwks`,
    audience,
  }
  const service: ConsentService = {
    setting,
    public_key: publicKey,
    gateway: '',
    ill: undefined,
    async read(address) {
      const { payload } = await jwtVerify(
        address.searchParams.get('request') ?? '',
        createRemoteJWKSet(new URL('/jwks', service.gateway)),
        {
          ...{ issuer: service.gateway, audience, typ: 'consent-request+jwt' },
          ...{ algorithms: ['ES256'], requiredClaims: ['exp', 'iat', 'jti'] },
        },
      )
      return payload as unknown as ConsentRequest
    },
    claims(request, decision, org = request.orgs[0]) {
      const now = Math.floor(Date.now() / 1000)
      const { transaction, sub, client_id, redirect_uri, resource, scopes } = request
      return {
        ...{ iss: audience, aud: service.gateway, iat: now, exp: now + 120, jti: randomUUID() },
        ...{ request_jti: request.jti, transaction, sub, org },
        ...{ client_id, redirect_uri, resource, scopes, decision },
      }
    },
    // As JSON has it: without what is undefined.
    sign: (claims, header = {}, key = privateKey) =>
      new SignJWT(JSON.parse(JSON.stringify(claims)) as Record<string, unknown>)
        .setProtectedHeader({ alg: 'ES256', typ: 'consent-decision+jwt', kid, ...header })
        .sign(key),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return service
}

function screen(request: ConsentRequest, jwt: string): string {
  const { client_name, client_kind, email, resource, redirect_uri, scopes, orgs } = request
  const options = orgs.map(org => `<option>${escaped(org)}</option>`)
  return `<!doctype html><title>Connect</title>
    <h1>Connect ${escaped(client_name)} (${client_kind})?</h1>
    <p>${escaped(`${email}, ${resource}, ${redirect_uri}: ${scopes.join(' ')}`)}</p>
    <form method="post"><input type="hidden" name="request" value="${escaped(jwt)}">
    <select name="org">${options.join('')}</select>
    <button name="decision" value="approve">Connect</button>
    <button name="decision" value="deny">No</button></form>`
}

function escaped(said: string): string {
  return said.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
