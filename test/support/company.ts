import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type CryptoKey, importJWK, SignJWT } from 'jose'
import {
  createIdentityProvider,
  createSigningKey,
} from '../../gateway/local/idp/identity-provider.ts'
import { development_users, type User } from '../../gateway/local/idp/users.ts'

export const client_id = 'mcp-oidc-gateway'

/**
 * A company with its own OpenID provider, whose refresh tokens rotate and may be used once. What it
 * knows of people can be changed while it runs, and it can be made to fail.
 */
export interface Company {
  readonly issuer: string
  /** An element of the plugin's `identity_providers`. */
  readonly setting: Readonly<Record<string, unknown>>
  /** By email. Changes are seen at the next sign-in or refresh. */
  user(email: string): { -readonly [K in keyof User]: User[K] }
  /** They are gone: `invalid_grant` at the next refresh. */
  dismiss(email: string): void
  /** Refreshes that reached the token endpoint. */
  readonly refreshes: number
  /** What happens to requests from now on; undefined for what should. */
  trouble: ((req: Parameters<RequestListener>[0]) => 'fail' | 'hang' | undefined) | undefined
  /** What the token endpoint waits for, beyond that. */
  gate: Promise<void> | undefined
  /** The client secrets it accepts; one of them at the beginning. An operator adds and takes away. */
  readonly secrets: string[]
  /** Milliseconds that the token endpoint takes. */
  delay: number
  /** Signs any claims, as this provider does. */
  sign(
    claims: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
  ): Promise<string>
  close(): Promise<void>
}

export interface CompanyOptions {
  /** Of the identity provider in the plugin's settings. */
  readonly settings?: Readonly<Record<string, unknown>>
  /** Whether it gives refresh tokens. */
  readonly refresh_tokens?: boolean
  /** As whom it knows the gateway. */
  readonly id?: string
}

/** `gateway` is the public URL of the gateway. */
export async function openCompany(gateway: string, options: CompanyOptions = {}): Promise<Company> {
  const server = createServer()
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const { id = 'dev' } = options
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  const client_secret = randomBytes(16).toString('hex')
  const signing_key = await createSigningKey()
  const users = structuredClone(development_users) as User[]
  const serve = await createIdentityProvider({
    issuer,
    client_secret,
    redirect_uris: [`${gateway}/callback/${id}`],
    users,
    signing_keys: { keys: [signing_key] },
    refresh_tokens: options.refresh_tokens ?? true,
    on_token_request: grant_type => {
      if (grant_type === 'refresh_token') refreshes += 1
    },
  })
  let refreshes = 0
  server.on('request', (req, res) => {
    void (async () => {
      const trouble = company.trouble?.(req)
      if (req.url === '/token') {
        await new Promise(resolve => setTimeout(resolve, company.delay))
        await company.gate
      }
      if (trouble === 'fail') return void res.writeHead(500).end('{"error":"server_error"}')
      if (trouble === 'hang') return
      if (req.url === '/token' && company.secrets.join() !== client_secret)
        await takeSecret(req, company.secrets, client_secret)
      serve(req, res)
    })()
  })
  const company: Company = {
    issuer,
    setting: {
      id,
      name: 'Company sign-in',
      issuer,
      client_id,
      client_secret,
      orgs: ['acme', 'globex'],
      org_claim: 'orgs',
      ...options.settings,
    },
    user: email => {
      const user = users.find(candidate => candidate.email === email)
      if (!user) throw new Error(`nobody is called ${email}`)
      return user
    },
    dismiss(email) {
      users.splice(users.indexOf(company.user(email)), 1)
    },
    get refreshes() {
      return refreshes
    },
    trouble: undefined,
    secrets: [client_secret],
    gate: undefined,
    delay: 0,
    async sign(claims, header = {}) {
      const key = (await importJWK(signing_key, 'RS256')) as CryptoKey
      return new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: signing_key.kid, ...header })
        .sign(key)
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return company
}

/** Puts the one secret that the provider knows in the place of one that it accepts, or of none. */
async function takeSecret(
  req: IncomingMessage & { body?: unknown },
  accepted: readonly string[],
  own: string,
): Promise<void> {
  const parameters = new URLSearchParams(await text(req))
  const good = accepted.includes(parameters.get('client_secret') ?? '')
  parameters.set('client_secret', good ? own : 'no longer accepted')
  req.body = Object.fromEntries(parameters)
}
