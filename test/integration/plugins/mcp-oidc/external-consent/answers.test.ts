import { describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRuntime } from '../../../../../plugins/mcp-oidc/runtime.ts'
import { addressOf, comeBack, externalConsent } from '../../../../support/external-consent.ts'
import { recordingLog } from '../../../../support/fake-kong.ts'

const { answerOf, atService, connections, last, server, service } = externalConsent()

describe('A09 two answers', () => {
  it('at the same moment count as one', async () => {
    const at = await atService()
    const before = await connections()
    const decisions = await Promise.all([1, 2, 3].map(() => service().sign(answerOf(at))))
    const pages = await Promise.all(decisions.map(decision => comeBack(at, decision)))
    const [done, ...others] = pages.sort((a, b) => Number(b.intercepted) - Number(a.intercepted))
    expect(done?.url.searchParams.get('code')).toBeTruthy()
    for (const page of others) {
      expect([page.status, page.intercepted]).toEqual([400, false])
      expect(page.says).toContain('This request was answered already')
    }
    expect(await connections()).toBe(before + 1)
  })

  it('one decision at the same moment counts once', async () => {
    const at = await atService()
    const before = await connections()
    const decision = await service().sign(answerOf(at))
    const pages = await Promise.all([1, 2, 3].map(() => comeBack(at, decision)))
    expect(pages.filter(({ intercepted }) => intercepted)).toHaveLength(1)
    expect(await connections()).toBe(before + 1)
  })

  it('one after the other: the first one stands', async () => {
    const at = await atService()
    await comeBack(at, await service().sign(answerOf(at, { decision: 'deny' })))
    const before = await connections()
    const page = await comeBack(at, await service().sign(answerOf(at)))
    expect([page.status, page.says]).toEqual([
      400,
      expect.stringContaining('This request was answered already'),
    ])
    expect(await connections()).toBe(before)
  })

  it('a page that was reloaded asks anew, and the answer to either request is taken', async () => {
    const first = await atService()
    const address = first.page.hops.map(({ url }) => url).find(url => url.includes('sign_in='))
    const page = await first.browser.open(address ?? '')
    const second = { ...first, page, request: await service().read(page.url) }
    expect(second.request.jti).not.toBe(first.request.jti)
    expect(second.request.transaction).toBe(first.request.transaction)
    expect((await comeBack(first, await service().sign(answerOf(first)))).intercepted).toBe(true)
  })
})

describe('A09 the service is away', () => {
  it.each([
    ['does not answer', 'hang up'],
    ['fails', { status: 500, body: '' }],
    ['has moved', { status: 302, body: '' }],
    ['has no keys there', { status: 404, body: '{}' }],
    ['gives no JSON', { status: 200, body: '<html>' }],
    ['gives no keys', { status: 200, body: '{}' }],
  ] as const)('%s: 503 for the sign-in and for the decision', async (_name, ill) => {
    const at = await atService()
    const decision = await service().sign(answerOf(at))
    // Another replica, which has not had the keys yet.
    const runtime = createRuntime(server().settings, recordingLog(), Date.now)
    const replica = createServer(runtime.app)
    try {
      replica.listen(0, 'localhost')
      await once(replica, 'listening')
      const { port } = replica.address() as AddressInfo
      const there = (address: string) => {
        const url = new URL(address)
        url.port = String(port)
        return url.href
      }
      service().ill = ill
      const before = await connections()
      const show = at.page.hops.map(({ url }) => url).find(url => url.includes('sign_in='))
      for (const address of [show ?? '', addressOf(at, decision)]) {
        const page = await at.browser.open(there(address))
        expect([page.status, page.intercepted]).toEqual([503, false])
        expect(page.says).toContain('You cannot be asked right now')
        expect(page.headers.get('retry-after')).toBe('5')
        expect(await last('consent')).toMatchObject({
          outcome: 'error',
          error_code: 'consent_service_unreachable',
          email: 'alice@acme.example',
        })
      }
      expect(await connections()).toBe(before)
      // Nothing was used up: the page may be reloaded.
      service().ill = undefined
      const done = await at.browser.open(there(addressOf(at, decision)))
      expect(done.url.searchParams.get('code')).toBeTruthy()
    } finally {
      replica.close()
      replica.closeAllConnections()
      await runtime.close()
    }
  })
})
