import { describe, expect, it } from '@jest/globals'
import {
  hintedProvider,
  providerOfAddress,
} from '../../../../../plugins/mcp-oidc/sign-in/choose-provider.ts'

const acme = { id: 'acme', email_domains: ['acme.example', 'xn--bcher-kva.example'] }
const globex = { id: 'globex', email_domains: ['globex.example'] }
const open = { id: 'open', email_domains: undefined }
const providers = [open, acme, globex]

describe('A03 an address', () => {
  it.each([
    ['alice@acme.example', acme],
    ['Alice@ACME.example', acme],
    ['a@bücher.example', acme],
    ['carol@globex.example', globex],
  ])('%s leads to the provider of its domain', (address, provider) => {
    expect(providerOfAddress(providers, address)).toBe(provider)
  })

  it.each([
    ...['alice@nowhere.example', 'alice@sub.acme.example', 'alice@acme.example.evil.example'],
    ...['alice@acme.example.', 'acme.example', '@acme.example', 'a@b@acme.example', '', '@'],
    ...['alice @acme.example', 'alice\u0000@acme.example', 'a@acme.example\r\nx: y'],
    `${'a'.repeat(320)}@acme.example`,
  ])('%j leads nowhere', address => {
    expect(providerOfAddress(providers, address)).toBeUndefined()
  })
})

describe('A03 a hint', () => {
  it.each([
    [{ idp: 'globex', login_hint: undefined }, globex],
    [{ idp: undefined, login_hint: 'alice@acme.example' }, acme],
    [{ idp: 'globex', login_hint: 'alice@acme.example' }, globex],
    [{ idp: 'unknown', login_hint: 'alice@acme.example' }, acme],
  ])('%j puts one first', (hints, provider) => {
    expect(hintedProvider(providers, hints)).toBe(provider)
  })

  it.each([
    { idp: undefined, login_hint: undefined },
    { idp: 'unknown', login_hint: undefined },
    { idp: '__proto__', login_hint: '' },
    { idp: '', login_hint: 'alice' },
  ])('%j that is unknown is ignored', hints => {
    expect(hintedProvider(providers, hints)).toBeUndefined()
  })
})
