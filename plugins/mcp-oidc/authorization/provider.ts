import { randomBytes } from 'node:crypto'
import {
  type ClientMetadata,
  type Configuration,
  errors,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider'
import type { Connection } from '../../../storage/connections.ts'
import type { Settings } from '../config/settings.ts'
import type { EndConnections } from '../connections/end.ts'
import { endpoints } from './endpoints.ts'
import { createAdapter } from './adapter.ts'
import type { ClientDocuments } from './client-documents/client-documents.ts'
import { providerFetch } from './client-documents/provider-fetch.ts'
import { publicClientId } from './clients/client-id.ts'
import { isFirstParty, redirectPolicyOf } from './clients/pre-registered.ts'
import type { Clients } from './clients/clients.ts'
import type { Store } from '../../../storage/store.ts'
import { redirectUriAllowed } from './redirect-uri.ts'
import { everyConnectionSignsIn } from './prompts.ts'
import { resourceIndicators } from './resource-indicators.ts'
import type { RedeemedToken } from './refresh/admit.ts'
import { refreshing } from './refresh/refreshing.ts'
import { ProviderSigningKey } from './signing-key.ts'

export interface ProviderParts {
  readonly store: Store
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly end: EndConnections
  readonly clients: Clients
  readonly documents: Pick<ClientDocuments, 'keys'>
  readonly findConnection: (id: string) => Promise<Connection | undefined>
  /** Resolves when the token may be redeemed. Rejects with the answer for the client. */
  readonly admitRefresh: (token: RedeemedToken) => Promise<void>
  /** Whether somebody whose session in one of our own pages goes on still has access. */
  readonly confirmPerson: (user_id: string) => Promise<boolean>
  /** Shows an error of the authorization endpoint as a page (RFC 6749 4.1.2.1: before the redirect URI is proven). */
  readonly renderError: NonNullable<Configuration['renderError']>
  readonly renderSignOut: RenderSignOut
}

export interface RenderSignOut {
  readonly confirm: (ctx: KoaContextWithOIDC, form: string) => void
  readonly done: (ctx: KoaContextWithOIDC) => void
}

/** How long someone has from the client's request to the consent decision, seconds. */
export const interaction_ttl = 1800
/** RFC 6749 4.1.2 recommends at most ten minutes; a minute is plenty between servers. */
const authorization_code_ttl = 60

/** The authorization server: oidc-provider with our policy. */
export function createProvider(settings: Settings, parts: ProviderParts): Provider {
  const provider = new Provider(settings.issuer, configuration(settings, parts))
  // Every request it is handed carries the configured host and scheme, never the wire's.
  provider.proxy = true
  // Our policy in place of its own, for every client, however it was registered.
  Object.assign(provider.Client.prototype, {
    // A code in a fragment or a form lands where the client does not look for it. Response types
    // other than `code` are refused as such.
    responseModeAllowed: (mode: string, response_type: string): boolean =>
      mode === 'query' || response_type !== 'code',
    redirectUriAllowed: function (
      this: { clientId: string; redirectUris?: string[] },
      uri: string,
    ): boolean {
      return redirectUriAllowed(
        uri,
        this.redirectUris ?? [],
        redirectPolicyOf(settings, this.clientId),
      )
    },
  })
  return provider
}

function configuration(settings: Settings, parts: ProviderParts): Configuration {
  const { secure, connection_ttl } = settings
  const cookie = { signed: true, httpOnly: true, sameSite: 'lax', secure } as const
  return {
    fetch: providerFetch(parts.documents),
    adapter: createAdapter(parts.store, parts.end, parts.clients),
    jwks: { keys: settings.signing_keys.map(key => new ProviderSigningKey(key)) },
    routes: endpoints,
    clients: settings.resource_servers.map(resourceServerClient),
    scopes: ['openid', 'offline_access'],
    responseTypes: ['code'],
    // Which of our identity providers the client would like.
    extraParams: ['idp'],
    subjectTypes: ['public'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: 'ES256',
      token_endpoint_auth_method: 'none',
    },
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256'],
      clientAuthSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'],
    },
    pkce: { required: () => true },
    clientBasedCORS: () => true,
    cookies: {
      keys: settings.cookie_keys.map(({ key }) => Buffer.from(key).toString('base64url')),
      long: cookie,
      short: cookie,
      names: {
        session: secure ? '__Host-mcp_session' : 'mcp_session',
        interaction: 'mcp_interaction',
        resume: 'mcp_resume',
      },
    },
    features: {
      devInteractions: { enabled: false },
      // Another version of it than this one refuses to start.
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      // A registration is never changed: a client that wants another makes one.
      registration: {
        enabled: true,
        issueRegistrationAccessToken: false,
        idFactory: ({ oidc }) => registeredClientId(oidc.body ?? {}),
      },
      revocation: {
        enabled: true,
        // RFC 7009 2.1: a client ends its own connections, nobody else's.
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      introspection: {
        enabled: settings.resource_servers.length > 0,
        allowedPolicy: (_ctx, client) =>
          settings.resource_servers.some(({ id }) => id === client.clientId),
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: parts.renderSignOut.confirm,
        postLogoutSuccessSource: parts.renderSignOut.done,
      },
      resourceIndicators: resourceIndicators(settings),
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
    },
    interactions: {
      policy: everyConnectionSignsIn(),
      url: (_ctx, interaction) => `/connect/${interaction.uid}`,
    },
    findAccount: async (_ctx, sub, token) => {
      // A code was judged when it was consumed: of simultaneous redemptions exactly one succeeds,
      // and the others have ended the connection, so what it gets is refused at the door.
      if (token?.kind === 'RefreshToken') await parts.admitRefresh(token)
      // Userinfo is asked by our own pages alone, who so learn whether a session may go on.
      if (token?.kind === 'AccessToken' && !(await parts.confirmPerson(sub))) return undefined
      return { accountId: sub, claims: () => ({ sub }) }
    },
    // Only the grant of this very authorization, or two connections would merge into one.
    loadExistingGrant: async ctx => {
      const grant_id = ctx.oidc.result?.consent?.grantId
      return grant_id ? ctx.oidc.provider.Grant.find(grant_id) : undefined
    },
    issueRefreshToken: (_ctx, client) => Promise.resolve(client.grantTypeAllowed('refresh_token')),
    // What was consumed a moment ago leads to the successor that exists, and that one stays.
    rotateRefreshToken: () => {
      const refresh = refreshing.getStore()
      return refresh === undefined || refresh.redeems
    },
    // A browser's sign-out says nothing about an AI client's connection.
    expiresWithSession: () => Promise.resolve(false),
    extraTokenClaims: async (ctx, token) => {
      // A page of ours has no connection, and a token that says nothing but who is meant.
      if (isFirstParty(settings, ctx.oidc.client?.clientId ?? '')) return undefined
      const grant_id = 'grantId' in token ? token.grantId : undefined
      const connection = grant_id === undefined ? undefined : await parts.findConnection(grant_id)
      if (!connection) throw new errors.InvalidGrant('the connection has ended')
      return { sid: connection.id, org_id: connection.org_id }
    },
    ttl: {
      AuthorizationCode: authorization_code_ttl,
      // That of a page of ours is good for the confirmation above, and as long as a session there.
      AccessToken: (ctx, _token, client) =>
        isFirstParty(settings, client.clientId)
          ? secondsLeft(ctx, parts.now)
          : Math.min(settings.access_token_ttl, secondsLeft(ctx, parts.now)),
      IdToken: settings.access_token_ttl,
      Interaction: interaction_ttl,
      Session: interaction_ttl,
      Grant: connection_ttl,
      // No refresh moves the end of a connection.
      RefreshToken: ctx => secondsLeft(ctx, parts.now),
    },
    renderError: parts.renderError,
  }
}

/** A client with a secret is nobody else's: its id is new each time. */
function registeredClientId(metadata: Readonly<Record<string, unknown>>): string {
  return metadata.token_endpoint_auth_method === 'none'
    ? publicClientId(metadata)
    : `dcr_${randomBytes(24).toString('base64url')}`
}

/** Asks about tokens (RFC 7662) and gets none. */
function resourceServerClient({
  id,
  secret,
}: Settings['resource_servers'][number]): ClientMetadata {
  return {
    client_id: id,
    client_secret: secret,
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: [],
    response_types: [],
    redirect_uris: [],
  }
}

/** Until the connection ends; at least one, since a lifetime of nothing is an error to oidc-provider. */
function secondsLeft({ oidc }: KoaContextWithOIDC, now: () => number): number {
  return Math.max(1, (oidc.entities.Grant?.exp ?? 0) - Math.floor(now() / 1000))
}
