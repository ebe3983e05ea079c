import Provider, {
  type Configuration,
  interactionPolicy,
  type JWKS,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import { createMemoryAdapter } from './memory-adapter.ts'
import { logoutPage, messagePage, page_headers } from './pages.ts'
import { claimsOf, type User } from './users.ts'

export interface ProviderOptions {
  readonly issuer: string
  readonly users: readonly User[]
  readonly client_id: string
  readonly client_secret: string
  readonly redirect_uris: readonly string[]
  readonly post_logout_redirect_uris: readonly string[]
  readonly signing_keys: JWKS
  readonly cookie_keys: readonly string[]
  readonly now: () => number
  /** Whether sign-ins come with a refresh token. */
  readonly refresh_tokens: boolean
}

const minute = 60
const day = 24 * 60 * minute

/** The development identity provider's OpenID provider, without its sign-in page. */
export function createProvider(options: ProviderOptions): Provider {
  return new Provider(options.issuer, configurationOf(options))
}

function configurationOf(options: ProviderOptions): Configuration {
  const { users } = options
  return {
    adapter: createMemoryAdapter({ max_entries: 20_000, now: options.now }),
    clients: [
      {
        client_id: options.client_id,
        client_secret: options.client_secret,
        redirect_uris: [...options.redirect_uris],
        post_logout_redirect_uris: [...options.post_logout_redirect_uris],
        grant_types: ['authorization_code', 'refresh_token'],
        ...backchannelLogout(options.redirect_uris),
        response_types: ['code'],
      },
    ],
    jwks: options.signing_keys,
    cookies: {
      keys: options.cookie_keys,
      // Cookies know no ports: the gateway on this host has cookies of the usual names.
      names: {
        session: 'dev_idp_session',
        interaction: 'dev_idp_interaction',
        resume: 'dev_idp_resume',
      },
    },
    claims: {
      email: ['email', 'email_verified'],
      profile: ['name'],
      openid: ['sub', 'orgs', 'roles'],
    },
    // Like most company providers: the claims stand in the id_token too.
    conformIdTokenClaims: false,
    findAccount: (_ctx, sub) => {
      const user = users.find(user => user.sub === sub)
      return user && { accountId: sub, claims: () => claimsOf(user) }
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => void (ctx.body = logoutPage(form)),
        postLogoutSuccessSource: ctx => void (ctx.body = messagePage('You are signed out.')),
      },
    },
    renderError: (ctx, { error, error_description }) => {
      ctx.type = 'html'
      ctx.set(page_headers)
      ctx.body = messagePage(`${error}: ${error_description ?? 'no description'}`)
    },
    interactions: { policy: policy(), url: (_ctx, { uid }) => `/sign-in/${uid}` },
    loadExistingGrant: grantEverything,
    pkce: { required: () => true },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access'],
    issueRefreshToken: () => options.refresh_tokens,
    rotateRefreshToken: true,
    // Signing out here ends the browser's session, not what was granted in it.
    expiresWithSession: () => false,
    ttl: {
      AccessToken: 10 * minute,
      AuthorizationCode: minute,
      Grant: 30 * day,
      IdToken: 10 * minute,
      Interaction: 10 * minute,
      RefreshToken: 30 * day,
      Session: day,
    },
  }
}

/** Whoever signs out here is signed out at the gateway, which says where beside its redirect URI. */
function backchannelLogout([redirect_uri]: readonly string[]) {
  if (redirect_uri === undefined) return {}
  return {
    backchannel_logout_uri: redirect_uri.replace('/callback/', '/backchannel-logout/'),
    backchannel_logout_session_required: true,
  }
}

/** The gateway is this provider's own client: whoever signs in has agreed. One grant per sign-in. */
async function grantEverything(ctx: KoaContextWithOIDC) {
  const { client, provider, session } = ctx.oidc
  if (!client || !session?.accountId) return undefined
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope('openid email profile offline_access')
  await grant.save()
  return grant
}

/** Asks who it is each time, so one browser can try several users, unless they ticked to be remembered. */
function policy() {
  const { Check, base } = interactionPolicy
  const prompts = base()
  const not_remembered = new Check(
    'not_remembered',
    'The sign-in was not to be remembered',
    ctx => {
      const { result, session } = ctx.oidc
      const once = (session as { transient?: boolean } | undefined)?.transient === true
      return once && !result?.login ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT
    },
  )
  prompts.get('login')?.checks.add(not_remembered)
  return prompts
}
