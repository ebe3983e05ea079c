import type { PresetName } from '../../plugins/mcp-oidc/config/idp-presets.ts'
import { openScriptedIdp, type Reply, type ScriptedIdp } from './scripted-idp.ts'

/** What a product does that others do not, as far as a gateway notices. */
interface Quirks {
  /** Scopes that it knows; another is `invalid_scope`. */
  readonly scopes: readonly string[]
  /** Claims of the id_token for an authorization request; undefined leaves a usual one out. */
  readonly id_token: (asked: URLSearchParams) => Claims
  readonly userinfo?: Claims
  /** Whether a request is given a refresh token. */
  readonly refresh_token?: (asked: URLSearchParams) => boolean
  /** Whether a refresh token is good once, and comes with its successor. */
  readonly rotates: boolean
}

type Claims = Readonly<Record<string, unknown>>

const oidc = ['openid', 'email', 'profile']
const offline = [...oidc, 'offline_access']
export const tenant = '833ced3d-cb2e-41de-92f1-29e2af035ddc'

const quirks: Readonly<Record<PresetName, Quirks>> = {
  generic: {
    scopes: offline,
    id_token: () => ({ org_id: 'acme', roles: ['admin'] }),
    rotates: false,
  },
  okta: {
    scopes: [...offline, 'groups'],
    // Thin where an access token comes along.
    id_token: () => ({ email: undefined, email_verified: undefined, orgs: undefined }),
    userinfo: { email: 'alice@acme.example', email_verified: true, groups: ['admin'] },
    rotates: true,
  },
  entra: {
    scopes: offline,
    id_token: () => ({ email_verified: undefined, tid: tenant, roles: ['admin'] }),
    rotates: true,
  },
  google: {
    scopes: oidc,
    id_token: () => ({ hd: 'acme.example' }),
    refresh_token: asked =>
      asked.get('access_type') === 'offline' && asked.get('prompt') === 'consent',
    rotates: false,
  },
  keycloak: {
    scopes: offline,
    id_token: () => ({
      ...{ organization: ['acme'], sid: 's1' },
      realm_access: { roles: ['admin'] },
    }),
    rotates: true,
  },
  clerk: {
    scopes: offline,
    id_token: () => ({ org_id: 'org_2abc', org_role: 'admin' }),
    rotates: false,
  },
  auth0: {
    scopes: offline,
    id_token: asked => ({
      org_id: asked.get('organization') ?? undefined,
      'https://acme.example/roles': ['admin'],
    }),
    rotates: true,
  },
}

export interface ImitatedIdp extends ScriptedIdp {
  /** Claims of every id_token from now on, beside the usual ones of this product. */
  claims: Claims
  /** The error it sends the browser back with, in place of a code. */
  error: string | undefined
  /** How often a refresh token was used that was used before. */
  readonly replayed: number
}

/** An identity provider with the quirks of the product that a preset is for. */
export async function openImitatedIdp(product: PresetName): Promise<ImitatedIdp> {
  const { scopes, id_token, userinfo, rotates, refresh_token = () => true } = quirks[product]
  let current: string | undefined
  let count = 0
  let replayed = 0
  const scripted = await openScriptedIdp({
    metadata: issuer => (userinfo ? { userinfo_endpoint: `${issuer}/userinfo` } : {}),
    authorize: asked => {
      if (idp.error !== undefined) return { error: idp.error, error_description: 'In its words.' }
      // Entra refuses the one, most refuse the other.
      if (asked.has('resource')) return { error: 'invalid_target' }
      const unknown = (asked.get('scope') ?? '').split(' ').some(name => !scopes.includes(name))
      return unknown ? { error: 'invalid_scope' } : { code: 'c1' }
    },
  })
  const answer = async (): Promise<Reply> => {
    const request = scripted.requests.at(-1)
    const asked = scripted.asked ?? new URLSearchParams()
    const first = request?.get('grant_type') === 'authorization_code'
    if (!first && request?.get('refresh_token') !== current) {
      replayed += 1
      return { status: 400, body: { error: 'invalid_grant' } }
    }
    const given = first ? refresh_token(asked) : rotates
    if (given) current = `idp-refresh-${(count += 1)}`
    const nonce = first ? { nonce: asked.get('nonce') } : {}
    return {
      body: {
        ...{ access_token: 'opaque', token_type: 'bearer' },
        id_token: await scripted.idToken({
          orgs: undefined,
          ...id_token(asked),
          ...nonce,
          ...idp.claims,
        }),
        ...(given ? { refresh_token: current } : {}),
      },
    }
  }
  scripted.replies = {
    '/token': answer,
    ...(userinfo ? { '/userinfo': { body: { sub: 'alice', ...userinfo } } } : {}),
  }
  const own = { claims: {} as Claims, error: undefined as string | undefined, replayed: 0 }
  const idp: ImitatedIdp = Object.assign(scripted, own)
  Object.defineProperty(idp, 'replayed', { get: () => replayed })
  return idp
}
