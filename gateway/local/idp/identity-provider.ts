import { randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import express, { type ErrorRequestHandler } from 'express'
import { exportJWK, generateKeyPair } from 'jose'
import type { JWKS, KoaContextWithOIDC } from 'oidc-provider'
import { listenOnLoopback } from '../loopback.ts'
import { createProvider } from './provider.ts'
import { explain, sendMessage, signInRoutes } from './sign-in.ts'
import { development_users, type User } from './users.ts'

export interface IdentityProviderOptions {
  /** `http://localhost:PORT`, nothing else: this is for development. */
  readonly issuer: string
  readonly client_secret: string
  /** Where the gateway waits: `<gateway>/callback/<idp id>`. */
  readonly redirect_uris: readonly string[]
  readonly post_logout_redirect_uris?: readonly string[]
  readonly client_id?: string
  readonly users?: readonly User[]
  /** Private RSA keys. Without them, each start has new ones. */
  readonly signing_keys?: JWKS
  readonly cookie_keys?: readonly string[]
  /** Hears of every failure that is not the person's own. */
  readonly log?: (event: string, detail: unknown) => void
  /** Hears of every request for tokens, granted or refused. */
  readonly on_token_request?: (grant_type: unknown) => void
  /** Whether sign-ins come with a refresh token, as they do unless told. */
  readonly refresh_tokens?: boolean
  /** Milliseconds. */
  readonly now?: () => number
}

/** The development identity provider as a request listener. Throws TypeError when the issuer is not on loopback. */
export async function createIdentityProvider(
  options: IdentityProviderOptions,
): Promise<RequestListener> {
  const { host } = loopbackIssuer(options.issuer)
  const { users = development_users, log = () => undefined } = options
  const provider = createProvider({
    issuer: options.issuer,
    users,
    client_id: options.client_id ?? 'mcp-oidc-gateway',
    client_secret: options.client_secret,
    redirect_uris: options.redirect_uris,
    post_logout_redirect_uris: options.post_logout_redirect_uris ?? [],
    signing_keys: options.signing_keys ?? { keys: [await createSigningKey()] },
    cookie_keys: options.cookie_keys ?? [randomBytes(32).toString('base64url')],
    now: options.now ?? Date.now,
    refresh_tokens: options.refresh_tokens ?? true,
  })
  const heard = ({ oidc }: KoaContextWithOIDC) =>
    options.on_token_request?.(oidc.params?.['grant_type'])
  provider.on('grant.success', heard).on('grant.error', heard)
  provider.on('server_error', (_ctx, error) => log('server_error', error))
  // A refused code or refresh token is the first thing to look for when a sign-in fails.
  provider.on('grant.error', (_ctx, error) => log('grant.error', error))

  const app = express()
  app.disable('x-powered-by')
  app.use((request, response, next) => {
    // The provider builds its URLs from Host: only its own may come through (DNS rebinding).
    if (!isLoopbackHost(request.headers.host))
      return sendMessage(response, 421, `This is ${options.issuer}.`)
    request.headers.host = host
    next()
  })
  app.use(signInRoutes(provider, users))
  app.use(provider.callback())
  const onError: ErrorRequestHandler = (error: unknown, _request, response, next) => {
    if (response.headersSent) return next(error)
    const { status, message } = explain(error)
    if (status >= 500) log('server_error', error)
    sendMessage(response, status, message)
  }
  app.use(onError)
  return app
}

export interface RunningIdentityProvider {
  readonly issuer: string
  close(): Promise<void>
}

/**
 * Listens on loopback unless `host` says where; the issuer follows from the port (0: a free one).
 * Rejects when it is taken.
 */
export async function startIdentityProvider(
  options: Omit<IdentityProviderOptions, 'issuer'> & {
    readonly port: number
    readonly host?: string
  },
): Promise<RunningIdentityProvider> {
  let serve: RequestListener = (_request, response) => void response.writeHead(503).end()
  const listening = await listenOnLoopback(
    (request, response) => {
      serve(request, response)
    },
    options.port,
    options.host,
  )
  try {
    const issuer = `http://localhost:${listening.port}`
    serve = await createIdentityProvider({ ...options, issuer })
    return { issuer, close: () => listening.close() }
  } catch (error) {
    await listening.close()
    throw error
  }
}

/** A private RSA key: RS256 is what every OpenID provider signs with. */
export async function createSigningKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), use: 'sig', kid: randomBytes(8).toString('hex') }
}

function loopbackIssuer(issuer: string): URL {
  const url = URL.parse(issuer)
  if (url?.protocol !== 'http:' || url.origin !== issuer || !isLoopbackHost(url.host))
    throw new TypeError(
      `the development identity provider serves this computer alone: its issuer is http://localhost:PORT, not ${issuer}`,
    )
  return url
}

function isLoopbackHost(host: string | undefined): boolean {
  const hostname = URL.parse(`http://${host ?? ''}`)?.hostname
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}
