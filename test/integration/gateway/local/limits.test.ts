import { afterEach, describe, expect, it } from '@jest/globals'
import type { Access } from './local-gateway.ts'
import { openGateway } from './local-gateway.ts'

type Opened = Awaited<ReturnType<typeof openGateway>>
let gateway: Opened | undefined

afterEach(async () => {
  await gateway?.close()
  gateway = undefined
})

async function open(setup: Parameters<typeof openGateway>[0] = {}): Promise<Opened> {
  // The window stands still: no test runs across its end.
  const options = { now: () => Date.UTC(2026, 0, 1, 0, 0, 15), ...setup.options }
  gateway = await openGateway({ ...setup, options })
  return gateway
}

/** Lets whoever the token names pass, as a user of an org. */
const admitNamed: Access = async kong => {
  const [user = '', org = ''] = ((await kong.request.getHeader('authorization')) ?? '')
    .replace('Bearer ', '')
    .split('@')
  if (user === '') return kong.response.exit(401, '{}')
  await kong.service.request.setHeaders({
    Authorization: 'Bearer assertion',
    'X-User-Id': `usr_${user}`,
    'X-Org-Id': org,
  })
}
const as = (who: string, ...headers: string[]) => ({
  headers: ['Authorization', `Bearer ${who}`, ...headers],
})

const per_user =
  '{ name: rate-limiting, config: { limit_by: header, header_name: X-User-Id, minute: 2 } }'
const per_org =
  '{ name: org-rate-limiting, config: { limit_by: header, header_name: X-Org-Id, minute: 3 } }'
const per_ip = '{ name: ip-rate-limiting, config: { limit_by: ip, minute: 2 } }'

async function statuses({ send }: Opened, path: string, requests: ReturnType<typeof as>[]) {
  const answers: (number | undefined)[] = []
  for (const request of requests) answers.push((await send(path, request)).status)
  return answers
}

describe('limits per user and per org', () => {
  const setup = { access: admitNamed, mcp_plugins: [per_user, per_org] }

  it('G07 hold each for itself: one that is used up leaves the others alone', async () => {
    const opened = await open(setup)
    const requests = ['a@acme', 'a@acme', 'a@acme', 'b@acme', 'b@acme', 'a@globex', 'c@globex']
    expect(
      await statuses(
        opened,
        '/mcp',
        requests.map(who => as(who)),
      ),
    ).toEqual([200, 200, 429, 200, 429, 429, 200])
    expect(opened.arrived).toHaveLength(4)
  })

  it('G07 answer with 429 in Kong’s words, with Retry-After and the RateLimit headers', async () => {
    const opened = await open(setup)
    const first = await opened.send('/mcp', as('a@acme'))
    expect(first.headers).toMatchObject({
      'x-ratelimit-limit-minute': '3',
      'x-ratelimit-remaining-minute': '2',
      'ratelimit-limit': '3',
      'ratelimit-remaining': '2',
      'ratelimit-reset': '45',
    })
    await opened.send('/mcp', as('a@acme'))
    const refused = await opened.send('/mcp', as('a@acme'))
    expect(refused).toMatchObject({
      status: 429,
      headers: {
        'retry-after': '45',
        'ratelimit-limit': '2',
        'ratelimit-remaining': '0',
        'ratelimit-reset': '45',
        'x-ratelimit-limit-minute': '2',
        'x-ratelimit-remaining-minute': '0',
        'access-control-allow-origin': '*',
      },
    })
    expect(JSON.parse(refused.body)).toEqual({
      message: 'API rate limit exceeded',
      request_id: refused.headers['x-kong-request-id'],
    })
  })

  it.each(['X-User-Id', 'x_user_id', 'X-USER_ID'])(
    'G02 a client cannot choose whom it is counted for, by %s',
    async name => {
      const opened = await open(setup)
      const requests = ['usr_x', 'usr_y', 'usr_z'].map(forged => as('a@acme', name, forged))
      expect(await statuses(opened, '/mcp', requests)).toEqual([200, 200, 429])
      expect(await statuses(opened, '/mcp', [as('x@globex')])).toEqual([200])
    },
  )
})

describe('limits per address', () => {
  it('G07 count what the plugin answers itself', async () => {
    const opened = await open({ access: admitNamed, answered_plugins: [per_ip] })
    const requests = ['@acme', '@acme', '@acme'].map(nobody => as(nobody))
    expect(await statuses(opened, '/token', requests)).toEqual([401, 401, 429])
  })

  it('G07 come before the plugin, which never hears of what they refuse', async () => {
    let asked = 0
    const access: Access = async kong => {
      asked += 1
      await kong.response.exit(401, '{}')
    }
    const opened = await open({ access, mcp_plugins: [per_ip] })
    expect(await statuses(opened, '/mcp', [as('a'), as('b'), as('c')])).toEqual([401, 401, 429])
    expect(asked).toBe(2)
  })

  it('G07 of one route are none of another', async () => {
    const opened = await open({ mcp_plugins: [per_ip], answered_plugins: [per_ip] })
    expect(await statuses(opened, '/mcp', [as('a'), as('a'), as('a')])).toEqual([200, 200, 429])
    expect((await opened.send('/token')).status).toBe(503)
  })

  it('G07 of the whole file are for all routes together', async () => {
    const opened = await open({ plugins: [per_ip] })
    expect(await statuses(opened, '/mcp', [as('a')])).toEqual([200])
    expect(await statuses(opened, '/stripped/x', [as('a'), as('a')])).toEqual([200, 429])
  })
})

describe('a limit of size', () => {
  const small =
    '{ name: request-size-limiting, config: { allowed_payload_size: 10, size_unit: bytes } }'
  const strict =
    '{ name: request-size-limiting, config: { allowed_payload_size: 10, size_unit: bytes, require_content_length: true } }'

  it.each([
    ['announced', 11, 413],
    ['found out', 11, 413],
    ['announced', 10, 200],
    ['found out', 10, 200],
  ])('judges a body whose length is %s: %i bytes, %i', async (when, length, status) => {
    const { arrived, url } = await open({ mcp_plugins: [small] })
    const body = 'x'.repeat(length)
    const response = await fetch(`${url}/mcp`, {
      method: 'POST',
      headers: { authorization: 'Bearer client' },
      body: when === 'announced' ? body : new Blob([body]).stream(),
      duplex: 'half',
    })
    expect(response.status).toBe(status)
    if (status === 413) {
      expect(await response.json()).toMatchObject({ message: 'Request size limit exceeded' })
    }
    expect(arrived).toHaveLength(status === 200 ? 1 : 0)
  })

  it('is 417 for a client that asks first', async () => {
    const { send } = await open({ mcp_plugins: [small] })
    const request = { method: 'POST', body: 'x'.repeat(11), headers: ['Expect', '100-continue'] }
    expect((await send('/mcp', request)).status).toBe(417)
  })

  it('may ask for a length', async () => {
    const { send } = await open({ mcp_plugins: [strict] })
    const response = await send('/mcp', as('a'))
    expect(response.status).toBe(411)
    expect(response.body).toContain('A valid Content-Length header is required')
  })
})
