import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { preset_names, type PresetName } from '../../../../plugins/mcp-oidc/config/idp-presets.ts'
import { findConnection } from '../../../../storage/connections.ts'
import {
  approve,
  type AuthorizationServer,
  authorizationRequest,
  callback,
  openAuthorizationServer,
  openBrowser,
  register,
  token,
} from '../../../support/authorization-server.ts'
import { chooseProvider } from '../../../../gateway/local/demo/person.ts'
import { idp_records } from '../../../support/idp-records.ts'
import { type ImitatedIdp, openImitatedIdp } from '../../../support/imitated-idp.ts'
import { refresh } from '../../../support/oauth-flow.ts'
import { signInSteps } from '../../../support/sign-in-steps.ts'
import { claimsOf } from '../../../support/token-claims.ts'

let server: AuthorizationServer
let idps: Readonly<Record<PresetName | 'groups', ImitatedIdp>>
beforeAll(async () => {
  const opened = await Promise.all(
    preset_names.map(async name => [name, await openImitatedIdp(name)] as const),
  )
  const groups = await openImitatedIdp('entra')
  idps = { ...(Object.fromEntries(opened) as Record<PresetName, ImitatedIdp>), groups }
  const record = (id: string, preset: PresetName, idp: ImitatedIdp) => ({
    ...{ id, preset, name: `Sign-in ${id}`, issuer: idp.issuer, orgs: ['acme'] },
    ...{ client_id: 'gateway', client_secret: 'secret' },
    ...idp_records[preset],
  })
  server = await openAuthorizationServer({
    identity_providers: [
      ...opened.map(([name, idp]) => record(name, name, idp)),
      { ...record('groups', 'entra', groups), roles_claim: 'groups' },
      {
        ...record('online', 'google', idps.google),
        email_domains: [],
        authorization_parameters: [{ name: 'access_type', value: 'online' }],
      },
    ],
  })
})
afterEach(() => {
  for (const idp of Object.values(idps)) Object.assign(idp, { claims: {}, error: undefined })
})
afterAll(async () => {
  await (server as AuthorizationServer | undefined)?.close()
  await Promise.all(Object.values(idps).map(idp => idp.close()))
})

const { last, connections } = signInSteps(() => server)

/** From the client's request to what follows the sign-in. */
async function signIn(idp: string) {
  const { client_id } = await register(server.url)
  const browser = openBrowser()
  const request = authorizationRequest(server.url, client_id)
  const page = await chooseProvider(browser, await browser.open(request.url), idp)
  return { client_id, browser, request, page }
}

/** A whole connection: its tokens, and what it is on record for. */
async function connect(idp: string) {
  const { client_id, browser, request, page } = await signIn(idp)
  const answer = await approve(browser, page)
  const { body } = await token(server.url, {
    ...{ grant_type: 'authorization_code', client_id, redirect_uri: callback },
    ...{ code: answer.get('code') ?? '', code_verifier: request.code_verifier },
  })
  const connection = await connectionOf(body.access_token)
  // As if the provider had been asked more than a minute ago: it is asked again at the next refresh.
  await server.db
    .updateTable('connections')
    .set({ idp_asked_at: sql<Date>`idp_asked_at - interval '61 s'` })
    .where('id', '=', connection.id)
    .execute()
  return { client_id, ...body, connection }
}

async function connectionOf(access_token: string) {
  const { sid } = claimsOf(access_token) as { sid: string }
  const store = { db: server.db, ring: server.settings.storage_keys }
  const connection = await findConnection(store, sid)
  if (!connection) throw new Error('no connection')
  return connection
}

const day = 24 * 3600_000

describe('A05 A06 T05 a sign-in and a refresh, by preset', () => {
  it.each(preset_names)('%s', async name => {
    const { client_id, refresh_token, connection } = await connect(name)
    const roles = name === 'google' ? [] : ['admin']
    expect(connection).toMatchObject({
      org_id: 'acme',
      profile: { email: 'alice@acme.example', roles },
    })
    // With a refresh token there, it lives its full life here.
    expect(connection.expires_at.getTime()).toBeGreaterThan(Date.now() + day)
    const asked = idps[name].asked ?? new URLSearchParams()
    expect(asked.has('resource')).toBe(false)

    const before = idps[name].requests.length
    const refreshed = await refresh(server.url, client_id, refresh_token)
    expect(refreshed.status).toBe(200)
    expect(idps[name].requests).toHaveLength(before + 1)
    expect(await connectionOf(refreshed.body.access_token)).toMatchObject({
      org_id: 'acme',
      profile: { email: 'alice@acme.example', roles },
    })
    expect(idps[name].replayed).toBe(0)
  })

  it.each([
    ['keycloak', { organization: [] }],
    ['google', { hd: undefined }],
    ['entra', { tid: '00000000-0000-0000-0000-000000000000' }],
    ['auth0', { org_id: 'org_other' }],
  ] as const)('T05 %s no longer asserts the org: the connection ends', async (name, claims) => {
    const { client_id, refresh_token } = await connect(name)
    idps[name].claims = claims
    const { status, body } = await refresh(server.url, client_id, refresh_token)
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
    expect(await last('revocation')).toMatchObject({ reason: expect.stringMatching(/^org_lost/) })
  })

  it('A06 equal subjects of two providers are two users', async () => {
    const one = await connect('keycloak')
    const other = await connect('clerk')
    expect(one.connection.profile.idp_sub).toBe(other.connection.profile.idp_sub)
    expect(one.connection.user_id).not.toBe(other.connection.user_id)
  })

  it('A06 a user with 300 roles in the token signs in', async () => {
    const roles = Array.from({ length: 300 }, (_, n) => `group-${String(n).padStart(30, '0')}`)
    idps.entra.claims = { roles }
    const { connection } = await connect('entra')
    expect(connection.profile.roles).toHaveLength(300)
  })
})

describe('A05 A06 who is turned away', () => {
  const overage = { _claim_names: { groups: 'src1' }, _claim_sources: { src1: {} } }
  it.each([
    ['groups', overage, 'claims_left_out', 'too many groups'],
    ['groups', { hasgroups: true }, 'claims_left_out', 'too many groups'],
    ['google', { hd: undefined }, 'no_org', 'no access here'],
    ['google', { hd: 'evil.example' }, 'no_org', 'no access here'],
    ['entra', { tid: 'another-tenant' }, 'no_org', 'no access here'],
    ['entra', { email_verified: false }, 'email_not_verified', 'not verified'],
    ['keycloak', { email_verified: undefined }, 'email_not_verified', 'not verified'],
    ['keycloak', { organization: { acme: {} } }, 'no_org', 'no access here'],
    ['auth0', { org_id: undefined }, 'no_org', 'no access here'],
    ['clerk', { org_id: null }, 'no_org', 'no access here'],
    [
      'entra',
      { roles: Array.from({ length: 1000 }, (_, n) => `role-${n}-of-many-of-them`) },
      'too_many_roles',
      'too many roles',
    ],
  ] as const)('%s with %j: %s', async (name, claims, error_code, says) => {
    const before = await connections()
    idps[name].claims = claims
    const { page } = await signIn(name)
    expect([page.status, page.url.origin]).toEqual([403, server.url])
    expect(page.says).toContain(says)
    expect(page.html).toMatch(/administrator|Verify your email/)
    expect(await last('sign_in')).toMatchObject({ outcome: 'refused', error_code })
    expect(await connections()).toBe(before)
  })

  it('not somebody in many groups, where groups are not the roles', async () => {
    idps.entra.claims = overage
    expect((await connect('entra')).connection.profile.roles).toEqual(['admin'])
  })
})

describe('a provider that gives no refresh token', () => {
  it('T06 the connection ends sooner, and the log says what to look at', async () => {
    const { connection } = await connect('online')
    expect(connection.expires_at.getTime()).toBeLessThan(Date.now() + day)
    expect(server.log.entries).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        detail: expect.objectContaining({
          idp: 'online',
          remedy: 'keep access_type=offline and prompt=consent',
        }) as object,
      }),
    )
  })
})

describe('A05 A11 the identity provider', () => {
  it('that hangs up is a page and a record', async () => {
    const usual = idps.generic.replies
    idps.generic.replies = { '/token': 'hang up' }
    const { page } = await signIn('generic')
    idps.generic.replies = usual
    expect([502, 503]).toContain(page.status)
    expect(await last('sign_in')).toMatchObject({
      ...{ outcome: 'error', reason: 'identity provider generic' },
    })
  })
})
