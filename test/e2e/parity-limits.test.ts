import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { decodeJwt } from 'jose'
import { untilReady } from '../../gateway/local/stack/readiness.ts'
import { forged_headers, spelled } from '../support/forged-headers.ts'
import { settingsOf } from '../support/kong-yml.ts'
import { kong_metrics, type Metric, readMetrics } from '../support/metrics.ts'
import { obtainTokens } from '../support/oauth-flow.ts'
import { rawRequest, type RawResponse } from '../support/raw-request.ts'
import { describeStatus, openGateway, type OpenGateway } from '../support/stack.ts'
import { callWhoami, whoamiOf } from '../support/tool-call.ts'

type Period = 'minute' | 'hour'
const people = ['alice@acme.example', 'bob@acme.example', 'carol@globex.example'] as const

let gateway: OpenGateway
let alice: string
let bob: string
let carol: string
beforeAll(async () => {
  gateway = await openGateway()
  const tokens = await Promise.all(people.map(user => obtainTokens(gateway.url, { user })))
  const [first = '', second = '', third = ''] = tokens.map(({ access_token }) => access_token)
  ;[alice, bob, carol] = [first, second, third]
}, 60_000)
afterAll(() => gateway.close())

/** The counter that the answer tells of: the one that was asked last. */
function remaining({ headers }: RawResponse, period: Period): number {
  const said = headers[`x-ratelimit-remaining-${period}`]
  expect(said).toMatch(/^\d+$/)
  return Number(said)
}

/**
 * A minute may end in the middle, and others may ask the same gateway: then the figures say nothing
 * and are taken again. What never comes true fails with the last of them.
 */
async function undisturbed(measure: () => Promise<void>): Promise<void> {
  for (let left = 9; ; left -= 1)
    try {
      await measure()
      return
    } catch (error) {
      if (left === 0) throw error
    }
}

async function calls(count: number, token: string, headers: readonly string[] = []) {
  const answers: RawResponse[] = []
  for (let n = 0; n < count; n += 1) answers.push(await callWhoami(gateway.url, { token, headers }))
  return answers.map(answer => ({ ...answer, user: whoamiOf(answer).email }))
}

/** Of the org of whoever calls, by a call that is counted itself. */
async function left(token: string): Promise<number> {
  const [answer] = await calls(1, token)
  if (!answer) throw new Error('no call was made')
  return remaining(answer, 'hour')
}

describe('the limits', () => {
  const told = (answer: RawResponse, periods: readonly Period[], limits: object) => {
    const { headers } = answer
    for (const period of periods) {
      const limit = (limits as Record<Period, number>)[period]
      expect([period, headers[`x-ratelimit-limit-${period}`]]).toEqual([period, String(limit)])
      expect(remaining(answer, period)).toBeLessThan(limit)
    }
    const minute = (limits as Record<Period, number>).minute
    expect(headers['ratelimit-limit']).toBe(String(minute))
    expect(headers['ratelimit-remaining']).toBe(headers['x-ratelimit-remaining-minute'])
    expect(Number(headers['ratelimit-reset'])).toBeGreaterThan(0)
    expect(Number(headers['ratelimit-reset'])).toBeLessThanOrEqual(60)
    expect(headers).not.toHaveProperty('retry-after')
  }

  it('G07 of an org are told with each answer of a tool', async () => {
    const [answer] = await calls(1, alice)
    if (answer) told(answer, ['minute', 'hour'], settingsOf('mcp', 'org-rate-limiting'))
    expect.hasAssertions()
  })

  it('G07 of an address are told with each refusal of a token', async () => {
    for (const headers of [[], ['Authorization', 'Bearer garbage']]) {
      const answer = await callWhoami(gateway.url, { headers })
      expect(answer.status).toBe(401)
      told(answer, ['minute'], settingsOf('mcp', 'ip-rate-limiting'))
      expect(answer.headers).not.toHaveProperty('x-ratelimit-limit-hour')
    }
  })

  it.each(['/jwks', '/.well-known/oauth-authorization-server', '/token', '/connect/x'])(
    'G07 of an address are told with each answer of %s',
    async path => {
      const answer = await rawRequest(gateway.url, path)
      told(answer, ['minute', 'hour'], settingsOf('oauth', 'ip-rate-limiting'))
    },
  )

  it('G07 R06 of an address are told with each registration', async () => {
    const answer = await rawRequest(gateway.url, '/register')
    told(answer, ['minute', 'hour'], settingsOf('register', 'ip-rate-limiting'))
  })

  it('G07 are not told where nothing is counted', async () => {
    const { headers } = await rawRequest(gateway.url, '/nowhere')
    expect(Object.keys(headers).filter(name => name.includes('ratelimit'))).toEqual([])
  })
})

describe('counted for an address', () => {
  const post = (path: string, body: string) =>
    rawRequest(gateway.url, path, { method: 'POST', headers: [], body })
  const preflight = (path: string) =>
    rawRequest(gateway.url, path, {
      method: 'OPTIONS',
      headers: ['Origin', 'https://app.example', 'Access-Control-Request-Method', 'POST'],
    })

  it('G07 are refused tokens, each once, and forged headers make no other address', async () => {
    const refusals = [
      () => callWhoami(gateway.url),
      () => callWhoami(gateway.url, { headers: ['Authorization', 'Bearer garbage'] }),
      () => callWhoami(gateway.url, { headers: spelled(name => name) }),
      () => callWhoami(gateway.url, { headers: ['X-Forwarded-For', '203.0.113.9'] }),
      () => callWhoami(gateway.url, { headers: ['X-Real-IP', '203.0.113.9'] }),
      () => rawRequest(gateway.url, '/mcp/'),
    ]
    await undisturbed(async () => {
      const begun = remaining(await callWhoami(gateway.url), 'minute')
      for (const [index, refusal] of refusals.entries()) {
        const answer = await refusal()
        expect([answer.status, remaining(answer, 'minute')]).toEqual([401, begun - index - 1])
      }
    })
  })

  it('G07 are calls of tools as well, by all users together', async () => {
    await undisturbed(async () => {
      const begun = remaining(await callWhoami(gateway.url), 'minute')
      for (const token of [alice, bob, carol]) await calls(2, token)
      expect(remaining(await callWhoami(gateway.url), 'minute')).toBe(begun - 7)
    })
  })

  it('G07 are all answers of the authorization server, whatever they are, and no preflight', async () => {
    const asked = [
      () => rawRequest(gateway.url, '/.well-known/oauth-protected-resource/mcp'),
      () => rawRequest(gateway.url, '/.well-known/nothing'),
      () => rawRequest(gateway.url, '/authorize'),
      () => rawRequest(gateway.url, '/assets/nothing'),
      () => rawRequest(gateway.url, '/callback/dev?code=x&state=x'),
      () => post('/token', 'grant_type=authorization_code&code=x'),
      () => post('/revoke', 'token=x'),
    ]
    await undisturbed(async () => {
      const begun = remaining(await rawRequest(gateway.url, '/jwks'), 'hour')
      for (const [index, ask] of asked.entries()) {
        expect((await preflight('/token')).status).toBe(200)
        expect(remaining(await ask(), 'hour')).toBe(begun - index - 1)
      }
    })
  })

  it('R06 are registrations apart: they use up nobody’s sign-ins', async () => {
    await undisturbed(async () => {
      const begun = remaining(await rawRequest(gateway.url, '/jwks'), 'hour')
      const first = remaining(await post('/register', '{}'), 'hour')
      expect(remaining(await post('/register', '{}'), 'hour')).toBe(first - 1)
      expect(remaining(await rawRequest(gateway.url, '/jwks'), 'hour')).toBe(begun - 1)
    })
  })

  it('G07 are not together what is asked of /mcp and of the authorization server', async () => {
    await undisturbed(async () => {
      const begun = remaining(await callWhoami(gateway.url), 'minute')
      for (let n = 0; n < 3; n += 1) await rawRequest(gateway.url, '/jwks')
      await preflight('/mcp')
      expect(remaining(await callWhoami(gateway.url), 'minute')).toBe(begun - 1)
    })
  })
})

describe('counted for an org', () => {
  it('G07 are the calls of its users, and of no other org’s', async () => {
    await undisturbed(async () => {
      const begun = await left(alice)
      await calls(3, bob)
      await calls(5, carol)
      expect(await left(alice)).toBe(begun - 4)
    })
    await undisturbed(async () => {
      const begun = await left(carol)
      await calls(3, alice)
      expect(await left(carol)).toBe(begun - 1)
    })
  })

  it('G07 are not what was refused', async () => {
    await undisturbed(async () => {
      const begun = await left(alice)
      for (const headers of [[], ['Authorization', 'Bearer garbage'], ['X-Org-Id', 'acme']])
        expect((await callWhoami(gateway.url, { headers })).status).toBe(401)
      expect(await left(alice)).toBe(begun - 1)
    })
  })

  it.each(forged_headers)('G02 G07 are its own calls, in spite of %s', async (_name, sent) => {
    await undisturbed(async () => {
      const [acme, globex] = [await left(alice), await left(carol)]
      const made = await calls(3, alice, sent)
      expect(made.map(({ user }) => user)).toEqual(made.map(() => 'alice@acme.example'))
      expect([await left(alice), await left(carol)]).toEqual([acme - 4, globex - 1])
    })
  })
})

describeStatus('the status listener', () => {
  const status = (path: string) => fetch(new URL(path, gateway.status_url))

  it('O04 is ready', async () => {
    const ready = await status('/status/ready')
    expect([ready.status, await ready.json()]).toEqual([200, { message: 'ready' }])
  })

  it('O02 tells of requests by Kong’s names, of nobody in particular', async () => {
    await calls(1, alice)
    expect((await callWhoami(gateway.url)).status).toBe(401)
    expect((await rawRequest(gateway.url, '/jwks')).status).toBe(200)
    let found: readonly Metric[] = []
    const counted = async () => {
      found = readMetrics(await (await status('/metrics')).text())
      for (const { labels, name } of kong_metrics)
        expect(found).toContainEqual({
          name,
          labels: expect.objectContaining(labels),
          value: expect.any(Number),
        })
    }
    // Kong's workers tell each other once a second.
    await untilReady(counted, { patience: 10_000, signal: AbortSignal.timeout(20_000) })
    const { sub = '', client_id, sid } = decodeJwt(alice)
    const said = found.flatMap(({ labels }) => Object.values(labels)).join('\n')
    for (const one of [sub, String(client_id), String(sid), 'usr_', 'alice', '@'])
      expect(said).not.toContain(one)
    expect(found.filter(({ labels }) => (labels['consumer'] ?? '') !== '')).toEqual([])
  })
})
