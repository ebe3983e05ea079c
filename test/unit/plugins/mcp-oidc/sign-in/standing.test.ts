import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createUpstream } from '../../../../../plugins/mcp-oidc/sign-in/upstream.ts'
import { foreignKey, openScriptedIdp, type ScriptedIdp } from '../../../../support/scripted-idp.ts'

const access = { access_token: 'opaque', token_type: 'bearer' }
const rotated = { ...access, refresh_token: 'second' }
const alice = { email: 'alice@acme.example', email_verified: true, orgs: ['acme'] }
const rejected = { name: 'UpstreamError', code: 'rejected' }
/** Which of the two it is, is told by the class of an error that Jest's own realm has another of. */
const away = { name: 'UpstreamError' }

let idp: ScriptedIdp
afterEach(() => idp.close())

/** Asks whether alice still has access. */
const ask = () =>
  createUpstream(idp.setting, 'https://gw.example/callback/dev').refresh('first', 'alice')

async function welcome() {
  const standing = await ask()
  if (standing.kind !== 'welcome') throw new Error(`refused: ${standing.error}`)
  return standing
}

describe('the identity provider is asked whether somebody still has access', () => {
  beforeEach(async () => {
    idp = await openScriptedIdp({
      metadata: issuer => ({ userinfo_endpoint: `${issuer}/userinfo` }),
    })
  })

  it('with the refresh token of the sign-in, and nothing of the client', async () => {
    idp.replies = { '/token': { body: rotated } }
    expect((await welcome()).idp_refresh_token).toBe('second')
    expect(idp.requests.map(request => Object.fromEntries(request))).toEqual([
      {
        grant_type: 'refresh_token',
        refresh_token: 'first',
        client_id: 'gateway',
        client_secret: 'secret',
      },
    ])
  })

  it.each([{}, { refresh_token: '' }])(
    'and is asked with the same token next time when it says %j',
    async more => {
      idp.replies = { '/token': { body: { ...access, ...more } } }
      expect((await welcome()).idp_refresh_token).toBe('first')
    },
  )

  it('reads who it is from the id_token, and nothing else, when that says enough', async () => {
    const id_token = await idp.idToken({
      ...{ orgs: ['globex'], roles: [], email: 'alice@globex.example' },
    })
    idp.replies = { '/token': { body: { ...rotated, id_token } }, '/userinfo': 'hang up' }
    const { person } = await welcome()
    expect(await person()).toMatchObject({ orgs: ['globex'], email: 'alice@globex.example' })
  })

  it('reads userinfo too when the id_token is thin', async () => {
    const id_token = await idp.idToken({ orgs: undefined, email: undefined })
    idp.replies = {
      '/token': { body: { ...rotated, id_token } },
      '/userinfo': { body: { sub: 'alice', ...alice } },
    }
    const { person } = await welcome()
    expect(await person()).toMatchObject({ orgs: ['acme'], email: 'alice@acme.example' })
  })

  it('reads userinfo alone when there is no id_token, as the same user', async () => {
    idp.replies = {
      '/token': { body: rotated },
      '/userinfo': { body: { sub: 'alice', ...alice } },
    }
    const by_userinfo = await (await welcome()).person()
    const id_token = await idp.idToken({ roles: [] })
    idp.replies = { '/token': { body: { ...rotated, id_token } } }
    expect(by_userinfo).toEqual(await (await welcome()).person())
    expect(by_userinfo).toMatchObject({ idp_sub: 'alice', orgs: ['acme'] })
  })

  it('T05 takes no role away because the id_token of a refresh is thinner than that of the sign-in', async () => {
    idp.replies = {
      '/token': { body: { ...rotated, id_token: await idp.idToken() } },
      '/userinfo': { body: { sub: 'alice', ...alice, roles: ['admin'] } },
    }
    expect(await (await welcome()).person()).toMatchObject({ roles: ['admin'] })
  })

  it('asks a provider whose id_token holds all there is for nothing more', async () => {
    idp.replies = {
      '/token': { body: { ...rotated, id_token: await idp.idToken() } },
      '/userinfo': 'hang up',
    }
    const upstream = createUpstream({ ...idp.setting, userinfo: false }, 'https://gw.example/cb')
    const standing = await upstream.refresh('first', 'alice')
    if (standing.kind !== 'welcome') throw new Error(standing.error)
    expect(await standing.person()).toMatchObject({ orgs: ['acme'], roles: [] })
  })

  it('says who is not welcome any more', async () => {
    idp.replies = {
      '/token': { body: { ...rotated, id_token: await idp.idToken({ orgs: [] }) } },
      '/userinfo': { body: { sub: 'alice', ...alice, orgs: [] } },
    }
    expect(await (await welcome()).person()).toMatchObject({ unwelcome: 'no_org' })
  })

  it.each([
    'invalid_grant',
    'access_denied',
    'login_required',
    'interaction_required',
    'consent_required',
    'account_selection_required',
  ])('%s is a refusal', async error => {
    idp.replies = { '/token': { status: 400, body: { error } } }
    expect(await ask()).toEqual({ kind: 'refused', error })
  })

  it.each([
    ['our own secret is wrong', { status: 401, body: { error: 'invalid_client' } }, rejected],
    ['it asks for fewer requests', { status: 429, body: { error: 'slow_down' } }, rejected],
    ['it fails', { status: 503, body: { error: 'server_error' } }, rejected],
    ['it fails in words of a refusal', { status: 500, body: { error: 'invalid_grant' } }, rejected],
    ['a refusal is no JSON', { status: 400, body: '<h1>Bad Request</h1>' }, rejected],
    ['its answer is no JSON', { body: '<h1>Welcome</h1>' }, rejected],
    ['its answer is no object', { body: '"tokens"' }, rejected],
    ['it hangs up', 'hang up', away],
  ] as const)('%s: that says nothing about the person', async (_name, reply, error) => {
    idp.replies = { '/token': reply }
    await expect(ask()).rejects.toMatchObject(error)
  })

  it.each([
    ['discovery fails', { status: 500, body: {} }],
    ['discovery speaks for somebody else', { body: { issuer: 'https://evil.example' } }],
  ] as const)('%s: nothing was sent, and the next one tries again', async (_name, reply) => {
    idp.replies = { '/.well-known/openid-configuration': reply }
    const upstream = createUpstream(idp.setting, 'https://gw.example/callback/dev')
    await expect(upstream.refresh('first', 'alice')).rejects.toMatchObject({
      ...away,
      code: 'unreachable',
    })
    expect(idp.requests).toEqual([])
    idp.replies = { '/token': { body: rotated } }
    expect(await upstream.refresh('first', 'alice')).toMatchObject({ kind: 'welcome' })
  })

  const now = Math.floor(Date.now() / 1000)
  it.each<[string, () => Promise<string>]>([
    ['is about somebody else', () => idp.idToken({ sub: 'bob' })],
    ['has a foreign signature', () => idp.idToken({}, foreignKey())],
    ['has another issuer', () => idp.idToken({ iss: 'https://evil.example' })],
    ['has another audience', () => idp.idToken({ aud: 'somebody-else' })],
    ['has expired', () => idp.idToken({ exp: now - 60 })],
    ['cannot be read', () => Promise.resolve('no.jwt.here')],
  ])(
    'T05 an id_token that %s is not believed, and the rotated token is not lost',
    async (_name, of) => {
      idp.replies = { '/token': { body: { ...rotated, id_token: await of() } } }
      const standing = await welcome()
      expect(standing.idp_refresh_token).toBe('second')
      await expect(standing.person()).rejects.toMatchObject(rejected)
    },
  )

  it('T05 the rotated token is known before the keys for the rest are there', async () => {
    const keys = Promise.withResolvers<{ status: number; body: object }>()
    const id_token = await idp.idToken()
    idp.replies = { '/token': { body: { ...rotated, id_token } }, '/jwks': () => keys.promise }
    const standing = await welcome()
    expect(standing.idp_refresh_token).toBe('second')
    const person = standing.person()
    keys.resolve({ status: 500, body: {} })
    await expect(person).rejects.toMatchObject(rejected)
  })

  it.each([
    ['is about somebody else', { body: { sub: 'bob', ...alice } }, rejected],
    ['fails', { status: 500, body: {} }, rejected],
    ['hangs up', 'hang up', away],
  ] as const)('T05 userinfo that %s costs no rotated token', async (_name, reply, error) => {
    idp.replies = { '/token': { body: rotated }, '/userinfo': reply }
    const standing = await welcome()
    expect(standing.idp_refresh_token).toBe('second')
    await expect(standing.person()).rejects.toMatchObject(error)
  })
})

describe('an identity provider without userinfo', () => {
  beforeEach(async () => {
    idp = await openScriptedIdp()
  })

  it('may tell nothing about the person at a refresh', async () => {
    idp.replies = { '/token': { body: rotated } }
    expect(await (await welcome()).person()).toBeUndefined()
  })

  it('is taken at the word of a thin id_token', async () => {
    const id_token = await idp.idToken({ orgs: undefined })
    idp.replies = { '/token': { body: { ...rotated, id_token } } }
    expect(await (await welcome()).person()).toMatchObject({ unwelcome: 'no_org' })
  })
})
