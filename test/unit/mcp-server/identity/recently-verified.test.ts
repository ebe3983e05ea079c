import { describe, expect, it, jest } from '@jest/globals'
import type { JWTVerifyGetKey } from 'jose'
import { rememberVerified } from '../../../../mcp-server/identity/recently-verified.ts'
import { verifyIdentity } from '../../../../mcp-server/identity/verify-identity.ts'
import {
  AUDIENCE,
  claims,
  ISSUER,
  localKeys,
  seconds,
  sign,
} from '../../../integration/mcp-server/assertion.ts'

const now = seconds()

function check() {
  const keys = jest.fn<JWTVerifyGetKey>(localKeys)
  let at = now * 1000
  const verify = verifyIdentity({ issuer: ISSUER, audience: AUDIENCE, keys, clock: () => at })
  return {
    keys,
    verify: (token: string) => verify(`Bearer ${token}`),
    /** Seconds from now. */
    clock: (seconds: number) => {
      at = (now + seconds) * 1000
    },
  }
}

describe('an assertion that was verified', () => {
  it('M01 is not verified again, and gives the same identity', async () => {
    const { keys, verify } = check()
    const token = await sign({ iat: now, exp: now + 60 })
    const first = await verify(token)
    expect(await verify(token)).toEqual(first)
    expect(keys).toHaveBeenCalledTimes(1)
    expect(Object.isFrozen(first) && Object.isFrozen(first.roles)).toBe(true)
  })

  it.each([
    ['at its end', {}, 65, 'expired'],
    ['before it was made, by a clock that was set back', {}, -6, 'bad_claims'],
    ['before it holds', { nbf: now + 3 }, -3, 'bad_claims'],
  ])('M01 is refused %s', async (_name, changes, later, code) => {
    const { clock, verify } = check()
    const token = await sign({ iat: now, exp: now + 60, ...changes })
    await verify(token)
    clock(later)
    await expect(verify(token)).rejects.toMatchObject({ code })
  })

  it('M01 is good to its last second', async () => {
    const { clock, keys, verify } = check()
    const token = await sign({ iat: now, exp: now + 60 })
    await verify(token)
    for (const later of [64, -5]) {
      clock(later)
      expect(await verify(token)).toMatchObject({ org_id: 'acme' })
    }
    expect(keys).toHaveBeenCalledTimes(1)
  })

  it('M01 vouches for no other', async () => {
    const { verify } = check()
    const token = await sign({ iat: now, exp: now + 60 })
    await verify(token)
    const [header = '', payload = '', signature = ''] = token.split('.')
    const others = [
      [header, Buffer.from(JSON.stringify(claims({ org_id: 'globex' }))).toString('base64url')],
      [header, payload, signature.slice(0, -4)],
      [header, payload, signature.toLowerCase()],
    ]
    for (const [head, body, end = signature] of others)
      await expect(verify([head, body, end].join('.'))).rejects.toMatchObject({
        code: expect.stringMatching(/bad_signature|malformed/),
      })
  })

  it('M01 that was refused is refused again', async () => {
    const { keys, verify } = check()
    const token = await sign({ iat: now, exp: now + 60, aud: 'another' })
    await expect(verify(token)).rejects.toMatchObject({ code: 'bad_claims' })
    await expect(verify(token)).rejects.toMatchObject({ code: 'bad_claims' })
    expect(keys).toHaveBeenCalledTimes(2)
  })
})

describe('what is remembered', () => {
  it('is bounded: the oldest goes', async () => {
    const recent = rememberVerified(2)
    const { verify } = check()
    const identity = await verify(await sign({ iat: now, exp: now + 60 }))
    for (const token of ['a', 'b', 'c']) recent.remember(token, { identity, from: 0, until: 10 }, 5)
    expect(['a', 'b', 'c'].map(token => recent.identityOf(token, 5) !== undefined)).toEqual([
      false,
      true,
      true,
    ])
  })

  it('makes room for the next once it is over', async () => {
    const recent = rememberVerified(10)
    const { verify } = check()
    const identity = await verify(await sign({ iat: now, exp: now + 60 }))
    for (const [token, until, at] of [
      ['a', 10, 5],
      ['b', 11, 5],
      ['c', 20, 10],
      ['d', 20, 11],
    ] as const)
      recent.remember(token, { identity, from: 0, until }, at)
    expect(recent.size()).toBe(3)
    expect(recent.identityOf('b', 11)).toBe(identity)
    recent.remember('e', { identity, from: 0, until: 20 }, 12)
    expect(recent.size()).toBe(3)
  })
})
