import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { SignJWT } from 'jose'
import { type IdentityProvider, parseConfig } from '../../plugins/mcp-oidc/config/settings.ts'
import { rawConfig } from './config.ts'

/** What it answers at one endpoint: JSON, or a body as it stands; never, when it hangs up. */
export type Reply = { readonly status?: number; readonly body: unknown } | 'hang up'

/** An identity provider that says whatever a test has it say, right or wrong. */
export interface ScriptedIdp {
  readonly issuer: string
  /** As the plugin's settings have it. */
  readonly setting: IdentityProvider
  /** By path: `/token`, `/userinfo`, `/jwks`. What is not here is 404, but for `/jwks`. */
  replies: Readonly<Record<string, Reply | (() => Promise<Reply>)>>
  /** The bodies that its token endpoint was sent, since this was last emptied. */
  readonly requests: URLSearchParams[]
  /** The last request to its authorization endpoint, where it has one. */
  asked?: URLSearchParams
  /** Claims of the usual id_token; undefined leaves one out. */
  idToken(claims?: Readonly<Record<string, unknown>>, key?: KeyObject): Promise<string>
  close(): Promise<void>
}

export interface ScriptedIdpOptions {
  /** Members of its metadata besides the usual. */
  readonly metadata?: (issuer: string) => object
  /** What it sends the browser back with. Without it there is no authorization endpoint. */
  readonly authorize?: (asked: URLSearchParams) => Readonly<Record<string, string>>
}

export async function openScriptedIdp(options: ScriptedIdpOptions = {}): Promise<ScriptedIdp> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const server = createServer((request, response) => {
    const answer = async () => {
      const body = await text(request)
      const { pathname: path, searchParams } = new URL(request.url ?? '', issuer)
      if (path === '/authorize' && options.authorize) {
        idp.asked = searchParams
        const back = new URL(searchParams.get('redirect_uri') ?? '')
        const answer = {
          ...options.authorize(searchParams),
          state: searchParams.get('state') ?? '',
        }
        back.search = new URLSearchParams(answer).toString()
        return void response.writeHead(303, { location: back.href }).end()
      }
      if (path === '/token') idp.requests.push(new URLSearchParams(body))
      const scripted = idp.replies[path] ?? usual[path] ?? { status: 404, body: {} }
      const reply = typeof scripted === 'function' ? await scripted() : scripted
      if (reply === 'hang up') return void request.socket.destroy()
      response.writeHead(reply.status ?? 200, { 'content-type': 'application/json' })
      response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body))
    }
    void answer()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const usual: ScriptedIdp['replies'] = {
    '/jwks': { body: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1' }] } },
    '/.well-known/openid-configuration': {
      body: {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        id_token_signing_alg_values_supported: ['ES256'],
        ...options.metadata?.(issuer),
      },
    },
  }
  const [setting] = parseConfig(rawConfig()).settings.identity_providers as [IdentityProvider]
  const idp: ScriptedIdp = {
    issuer,
    setting: { ...setting, issuer },
    replies: {},
    requests: [],
    async idToken(claims = {}, key = privateKey) {
      const now = Math.floor(Date.now() / 1000)
      const all = {
        ...{ iss: issuer, aud: 'gateway', sub: 'alice', iat: now, exp: now + 300 },
        ...{ email: 'alice@acme.example', email_verified: true, orgs: ['acme'] },
        ...claims,
      }
      // As JSON has it: without what is undefined.
      return new SignJWT(JSON.parse(JSON.stringify(all)) as Record<string, unknown>)
        .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
        .sign(key)
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return idp
}

/** A key that is not the provider's. */
export const foreignKey = (): KeyObject =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
