import { describe, expect, it } from '@jest/globals'
import { findSecrets } from '../../support/secret-search.ts'

const value = 'a "secret"/with+signs=ä'
const plain = 'kX3-_9vQpL27sTz0'

describe('findSecrets', () => {
  it.each([
    ['clear', `{"msg":"${plain}"}`, plain],
    ['JSON', JSON.stringify({ msg: value }), value],
    ['JSON', JSON.stringify({ msg: value }).replaceAll('/', '\\/'), value],
    ['JSON', JSON.stringify({ msg: JSON.stringify({ body: value }) }), value],
    ['URL', `GET /?code=${encodeURIComponent(value)}`, value],
    ['URL', `GET /?code=${encodeURIComponent(value).toLowerCase()}`, value],
    ['URL', `code=1&${new URLSearchParams({ token: value }).toString()}`, value],
    ['hex', `\\x${Buffer.from(plain).toString('hex')}`, plain],
    ['hex', Buffer.from(plain).toString('hex').toUpperCase(), plain],
    ['base64', Buffer.from(value).toString('base64'), value],
    ['base64', `Basic ${Buffer.from(`client:${plain}`).toString('base64')}`, plain],
    ['base64', `Basic ${Buffer.from(`client1:${plain}.`).toString('base64')}`, plain],
    ['base64', `Basic ${Buffer.from(`client12:${plain}..`).toString('base64')}`, plain],
  ])('R08 finds %s: %s', (form, text, secret) => {
    const [leak] = findSecrets(`before ${text} after`, [{ name: 'it', value: secret }])
    expect(leak).toMatchObject({ secret: 'it', form })
  })

  it('R08 finds base64url that differs from base64', () => {
    const bytes = new Uint8Array(32).fill(0xfb)
    const text = Buffer.concat([Buffer.from('x'), bytes]).toString('base64url')
    expect(findSecrets(text, [{ name: 'a key', value: bytes }])).toMatchObject([
      { form: 'base64url' },
    ])
  })

  it('does not repeat what it found', () => {
    const leaks = findSecrets(`the token is ${plain}, see there`, [{ name: 'it', value: plain }])
    expect(leaks).toEqual([{ secret: 'it', form: 'clear', near: 'the token is …, see there' }])
  })

  it('finds nothing where nothing is, nor a part of a secret', () => {
    expect(findSecrets(plain.slice(0, -1), [{ name: 'it', value: plain }])).toEqual([])
    expect(findSecrets('', [{ name: 'it', value: plain }])).toEqual([])
  })

  it('refuses to look for what is found everywhere', () => {
    expect(() => findSecrets('text', [{ name: 'it', value: 'password' }])).toThrow(TypeError)
  })
})
