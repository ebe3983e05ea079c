import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { errors, type FlattenedJWSInput } from 'jose'
import {
  ConsentServiceUnreachable,
  createConsentService,
} from '../../../../../plugins/mcp-oidc/consent/external/consent-service.ts'
import type { Fetch } from '../../../../../plugins/mcp-oidc/tracing/traced-fetch.ts'

const jwk = (kid?: string) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { ...publicKey.export({ format: 'jwk' }), ...(kid === undefined ? {} : { kid }) }
}
const serving = (...keys: object[]): Fetch => {
  return () => Promise.resolve(new Response(JSON.stringify({ keys })))
}
const open = (send: Fetch) =>
  createConsentService(
    {
      url: 'https://accounts.example/connect',
      jwks_uri: 'https://accounts.example/jwks',
      audience: 'accounts.example',
    },
    send,
  )
const token: FlattenedJWSInput = { payload: '', signature: '' }
const keyOf = (send: Fetch, header: object = { kid: 'k1' }) =>
  open(send).key({ alg: 'ES256', ...header }, token)

describe('A09 the keys of the consent service', () => {
  it('are fetched once, with a time limit and without following anybody', async () => {
    const asked: { url: string; options: RequestInit }[] = []
    const service = open((url, options) => {
      asked.push({ url, options })
      return serving(jwk('k1'))(url, options)
    })
    expect(asked).toEqual([])
    await service.ready()
    await service.ready()
    await service.key({ alg: 'ES256', kid: 'k1' }, token)
    expect(asked).toHaveLength(1)
    expect(asked[0]?.url).toBe('https://accounts.example/jwks')
    expect(asked[0]?.options.signal).toBeInstanceOf(AbortSignal)
    expect(asked[0]?.options.redirect).toBe('manual')
  })

  it.each([
    ['is not one of them', serving(jwk('k2')), { kid: 'k1' }, errors.JWKSNoMatchingKey],
    ['could be any of them', serving(jwk(), jwk()), {}, errors.JWKSMultipleMatchingKeys],
  ])('a key that %s is the fault of the decision', async (_name, send, header, fault) => {
    await expect(keyOf(send, header)).rejects.toBeInstanceOf(fault)
  })

  it.each<[string, Fetch]>([
    ['do not come', () => Promise.reject(new TypeError('fetch failed'))],
    ['come too late', () => Promise.reject(new DOMException('late', 'TimeoutError'))],
    ['are elsewhere', () => Promise.resolve(new Response(null, { status: 302 }))],
    ['are no JSON', () => Promise.resolve(new Response('<html>'))],
    ['are no keys', () => Promise.resolve(Response.json({ keys: 'none' }))],
    ['are broken', serving({ kty: 'EC', crv: 'P-256', kid: 'k1', x: 'x', y: 'y' })],
  ])('that %s are the fault of the service', async (_name, send) => {
    await expect(keyOf(send)).rejects.toBeInstanceOf(ConsentServiceUnreachable)
  })

  it('that could not be had are asked for again', async () => {
    let well = false
    const service = open((url, options) =>
      well ? serving(jwk('k1'))(url, options) : Promise.reject(new TypeError('fetch failed')),
    )
    await expect(service.ready()).rejects.toBeInstanceOf(ConsentServiceUnreachable)
    well = true
    await service.ready()
  })
})
