import { describe, expect, it } from '@jest/globals'
import { decodeJwt } from 'jose'
import { createDoor } from '../../../../../plugins/mcp-oidc/door/door.ts'
import type { Connection } from '../../../../../storage/connections.ts'
import { connection, openDoor, seconds, settings, start, token } from './open-door.ts'

describe('a good token that is known', () => {
  it('reuses an assertion for half its life, then signs another', async () => {
    const door = openDoor()
    const authorization = `bearer ${await token()}`
    const assertion = async () => (await door.ask(authorization)).upstream.Authorization
    const first = await assertion()
    door.pass(29_000)
    expect(await assertion()).toBe(first)
    door.pass(2_000)
    const second = String(await assertion())
    expect(second).not.toBe(first)
    expect(decodeJwt(second.slice(7)).exp).toBe(seconds + 31 + 60)
  })

  it('is judged at once when all about it is known, and only this very token is', async () => {
    const door = createDoor(settings, { connection: () => connection, now: () => start })
    const jwt = await token()
    const first = await door.judge({ kind: 'bearer', token: jwt })
    expect(door.judge({ kind: 'bearer', token: jwt })).toBe(first)
    for (const other of [`${jwt} `, `${jwt}\n`, ` ${jwt}`, `${jwt},${jwt}`])
      expect(await door.judge({ kind: 'bearer', token: other })).toMatchObject({
        refused: true,
        reason: 'malformed',
      })
  })

  it('T02 lends nothing to a token that differs in one character, which is refused each time', async () => {
    const door = createDoor(settings, { connection: () => connection, now: () => start })
    const jwt = await token()
    await door.judge({ kind: 'bearer', token: jwt })
    const [header = '', payload = ''] = jwt.split('.')
    for (const at of [
      0,
      header.length - 1,
      header.length + 1,
      header.length + payload.length - 3,
    ]) {
      const forged = `${jwt.slice(0, at)}${jwt[at] === 'a' ? 'b' : 'a'}${jwt.slice(at + 1)}`
      for (const sent of [forged, forged])
        expect(await door.judge({ kind: 'bearer', token: sent })).toMatchObject({ refused: true })
    }
    expect(door.remembered()).toBe(1)
  })

  it('T08 is refused as soon as its connection has ended, cached or not', async () => {
    let state: Connection | undefined = connection
    const door = openDoor(() => Promise.resolve(state))
    const authorization = `Bearer ${await token()}`
    expect((await door.ask(authorization)).exit).toBeUndefined()
    state = { ...connection, status: 'ended', ended_reason: 'revoked' }
    expect((await door.ask(authorization)).exit?.status).toBe(401)
    state = undefined
    expect((await door.ask(authorization)).exit?.status).toBe(401)
  })

  it('T02 is refused once it has expired, also when its signature is remembered', async () => {
    const door = openDoor()
    const authorization = `Bearer ${await token()}`
    expect((await door.ask(authorization)).exit).toBeUndefined()
    door.pass(601_000)
    expect((await door.ask(authorization)).exit?.status).toBe(401)
  })
})
