import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createUpstream } from '../../../../../plugins/mcp-oidc/sign-in/upstream.ts'
import { foreignKey, openScriptedIdp, type ScriptedIdp } from '../../../../support/scripted-idp.ts'

const redirect_uri = 'https://gw.example/callback/dev'
const access = { access_token: 'opaque', token_type: 'bearer' }

let idp: ScriptedIdp
beforeAll(async () => {
  idp = await openScriptedIdp()
})
afterAll(() => idp.close())

/** One trip: begins at the provider and comes back with its answer, which may hold the nonce. */
async function trip(
  id_token: (nonce: string) => Promise<string> | undefined = nonce => idp.idToken({ nonce }),
  state?: string,
) {
  idp.requests.length = 0
  const upstream = createUpstream(idp.setting, redirect_uri)
  const { url, trip } = await upstream.start()
  idp.replies = { '/token': { body: { ...access, id_token: await id_token(trip.nonce) } } }
  const query = new URLSearchParams({ code: 'c1', state: state ?? trip.state })
  return { url: new URL(url), trip, finished: upstream.finish(query, trip) }
}

describe('A04 the trip to the identity provider', () => {
  it('has its own PKCE, nonce and state, new every time, and never the resource of the client', async () => {
    const one = await trip()
    await one.finished
    expect(idp.requests[0]?.get('code_verifier')).toBe(one.trip.code_verifier)
    const two = await trip()
    await two.finished
    const { searchParams } = one.url
    expect(searchParams.get('code_challenge_method')).toBe('S256')
    expect(searchParams.get('redirect_uri')).toBe(redirect_uri)
    expect(searchParams.has('resource')).toBe(false)
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(searchParams.get(name)).not.toBe(two.url.searchParams.get(name))
  })
})

describe('A05 what the identity provider answers', () => {
  it('is believed when it holds', async () => {
    const { finished } = await trip()
    expect(await finished).toMatchObject({
      person: { email: 'alice@acme.example', orgs: ['acme'] },
    })
  })

  const now = Math.floor(Date.now() / 1000)
  it.each<[string, (nonce: string) => Promise<string> | undefined]>([
    ['a foreign signature', nonce => idp.idToken({ nonce }, foreignKey())],
    ['another issuer', nonce => idp.idToken({ nonce, iss: 'https://evil.example' })],
    ['another audience', nonce => idp.idToken({ nonce, aud: 'somebody-else' })],
    ['another nonce', () => idp.idToken({ nonce: 'replayed' })],
    ['no nonce', () => idp.idToken()],
    ['an id_token that has expired', nonce => idp.idToken({ nonce, exp: now - 60 })],
    ['an id_token without an end', nonce => idp.idToken({ nonce, exp: undefined })],
    ['no id_token at all', () => undefined],
  ])('is not believed with %s', async (_name, id_token) => {
    const { finished } = await trip(id_token)
    await expect(finished).rejects.toMatchObject({ name: 'UpstreamError', code: 'rejected' })
  })

  it('is not asked for when the state is another', async () => {
    const { finished } = await trip(undefined, 'other')
    await expect(finished).rejects.toMatchObject({ code: 'rejected' })
    expect(idp.requests).toEqual([])
  })
})
