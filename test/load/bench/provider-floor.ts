import type { RequestListener } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { inject } from 'light-my-request'
import { type Adapter, type AdapterPayload, Provider } from 'oidc-provider'

const issuer = 'http://localhost'
const resource = `${issuer}/mcp`
const client_id = 'client'

/**
 * What a refresh takes of oidc-provider alone, storing in a map, as milliseconds of processor time:
 * rotation and a JWT access token signed with ES256. One after the other, in this process.
 */
export async function measureProviderFloor(refreshes: number): Promise<number> {
  const provider = await createProvider()
  let refresh_token = await firstToken(provider)
  const callback = provider.callback()
  const listener: RequestListener = (req, res) => void callback(req, res)
  const refresh = async () => {
    const { json, payload, statusCode } = await inject(listener, {
      method: 'POST',
      url: '/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id,
        refresh_token,
      }).toString(),
    })
    if (statusCode !== 200) throw new Error(`no refresh: ${statusCode} ${payload}`)
    ;({ refresh_token } = json<{ refresh_token: string }>())
  }
  for (let count = 0; count < refreshes; count += 1) await refresh() // what is slow at first is not counted
  const before = process.cpuUsage()
  for (let count = 0; count < refreshes; count += 1) await refresh()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / refreshes
}

async function createProvider(): Promise<Provider> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const server = {
    scope: 'mcp:tools',
    audience: resource,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'ES256' } },
  } as const
  const stored = new Map<string, AdapterPayload>()
  return new Provider(issuer, {
    adapter: model => inMemory(model, stored),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'floor' }] },
    clients: [
      {
        client_id,
        redirect_uris: ['https://client.example/callback'],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    rotateRefreshToken: true,
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => server,
      },
    },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    ttl: { AccessToken: 600, Grant: 86_400, RefreshToken: 86_400 },
    cookies: { keys: ['of no use here'] },
  })
}

async function firstToken(provider: Provider): Promise<string> {
  const client = await provider.Client.find(client_id)
  if (!client) throw new Error('the client is not there')
  const grant = new provider.Grant({ accountId: 'user', clientId: client_id })
  grant.addResourceScope(resource, 'mcp:tools')
  const token = new provider.RefreshToken({
    ...{ client, accountId: 'user', grantId: await grant.save(), gty: 'authorization_code' },
    ...{ resource, scope: 'mcp:tools', expiresWithSession: false },
  })
  return token.save()
}

function inMemory(model: string, stored: Map<string, AdapterPayload>): Adapter {
  const of = (id: string) => `${model} ${id}`
  const find = (id: string) => Promise.resolve(stored.get(of(id)))
  return {
    upsert: (id, payload) => Promise.resolve(void stored.set(of(id), { ...payload })),
    find,
    consume: async id =>
      void Object.assign((await find(id)) ?? {}, { consumed: Date.now() / 1000 }),
    destroy: id => Promise.resolve(void stored.delete(of(id))),
    findByUid: () => Promise.resolve(undefined),
    findByUserCode: () => Promise.resolve(undefined),
    revokeByGrantId: () => Promise.reject(new Error('nothing is revoked here')),
  }
}
