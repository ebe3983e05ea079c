import { randomBytes } from 'node:crypto'
import type {
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from '@modelcontextprotocol/client'

/** What the client hears of as it happens. */
export interface Progress {
  discovered(state: OAuthDiscoveryState): void
  registered(client: StoredOAuthClientInformation): void
}

/**
 * An AI client's side of OAuth for the MCP SDK, in memory: it registers as a public client with a
 * redirect URI on loopback, and leaves the browser to its caller.
 */
export class OAuthClient implements OAuthClientProvider {
  readonly redirectUrl: string
  readonly clientMetadata: OAuthClientMetadata
  readonly #progress: Progress
  readonly #state = randomBytes(16).toString('base64url')
  #authorization_url: URL | undefined
  #client: StoredOAuthClientInformation | undefined
  #code_verifier: string | undefined
  #discovery: OAuthDiscoveryState | undefined
  #tokens: StoredOAuthTokens | undefined

  constructor(redirect_uri: string, progress: Progress) {
    this.redirectUrl = redirect_uri
    this.#progress = progress
    this.clientMetadata = {
      client_name: 'Demo client',
      redirect_uris: [redirect_uri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }
  }

  /** Where the browser is to go; known once the SDK asked for authorization. */
  get authorization_url(): URL | undefined {
    return this.#authorization_url
  }

  get issuer(): string | undefined {
    return this.#discovery?.authorizationServerMetadata?.issuer
  }

  /** Refuses a callback that is not the answer to our request (RFC 6749 10.12, RFC 9207). */
  checkCallback(callback: URL): URLSearchParams {
    const { searchParams } = callback
    const error = searchParams.get('error')
    if (searchParams.get('state') !== this.#state)
      throw new Error('the redirect came back with a foreign state')
    if (searchParams.get('iss') !== this.issuer)
      throw new Error(
        `the redirect names the issuer ${searchParams.get('iss') ?? '(none)'}, not ${this.issuer ?? '(unknown)'}`,
      )
    if (error !== null)
      throw new Error(`${error}: ${searchParams.get('error_description') ?? 'no description'}`)
    if (!searchParams.has('code')) throw new Error('the redirect came back without a code')
    return searchParams
  }

  state(): string {
    return this.#state
  }

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.#client
  }

  saveClientInformation(client: StoredOAuthClientInformation): void {
    const first = this.#client === undefined
    this.#client = client
    if (first) this.#progress.registered(client)
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.#tokens
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    this.#tokens = tokens
  }

  redirectToAuthorization(url: URL): void {
    this.#authorization_url = url
  }

  saveCodeVerifier(code_verifier: string): void {
    this.#code_verifier = code_verifier
  }

  codeVerifier(): string {
    if (this.#code_verifier === undefined) throw new Error('no code verifier was saved')
    return this.#code_verifier
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    const first = this.#discovery === undefined
    this.#discovery = state
    if (first) this.#progress.discovered(state)
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery
  }
}
