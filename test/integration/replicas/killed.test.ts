import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  approve,
  authorizationRequest,
  callback,
  connect,
  formOf,
  openBrowser,
  register,
  token,
} from '../../support/authorization-server.ts'
import { openReplicas, type Replica, type Replicas } from '../../support/replicas.ts'
import { type Company, openCompany } from '../../support/company.ts'

describe('replicas that are killed', () => {
  let company: Company
  let system: Replicas
  let one: Replica
  let other: Replica

  beforeAll(async () => {
    system = await openReplicas({
      count: 2,
      settings: async url => {
        company = await openCompany(url)
        return { identity_providers: [company.setting] }
      },
    })
    ;[one, other] = system.replicas as [Replica, Replica]
  })

  afterAll(async () => {
    await system.close()
    await company.close()
  })

  /** Kills the replica that has served so far, and lets the other go on. */
  async function handOver(): Promise<void> {
    one.signal('SIGKILL')
    await one.ended()
    system.use(other)
    await one.restart()
    ;[one, other] = [other, one]
  }

  it('T10 a flow whose replica is killed after every step is finished on the other', async () => {
    system.use(one)
    const { client_id } = await register(system.url)
    await handOver()
    const browser = openBrowser()
    const request = authorizationRequest(system.url, client_id)
    const naming = await browser.open(request.url)
    await handOver()
    const company_page = await browser.submit(naming, formOf(naming), {
      press: { name: 'provider', value: 'dev' },
    })
    await handOver()
    const consent = await browser.submit(company_page, formOf(company_page), {
      fields: { username: 'alice@acme.example', password: 'password' },
    })
    await handOver()
    const answer = await approve(browser, consent)
    await handOver()
    const redemption = {
      grant_type: 'authorization_code',
      client_id,
      code: answer.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: request.code_verifier,
    }
    const tokens = await token(system.url, redemption)
    expect(tokens.status).toBe(200)
    await handOver()
    const headers = { authorization: `Bearer ${tokens.body.access_token}` }
    expect((await fetch(`${system.url}/mcp`, { headers })).status).toBe(200)
    const { refresh_token } = tokens.body
    const refreshed = await token(system.url, {
      grant_type: 'refresh_token',
      client_id,
      refresh_token,
    })
    expect(refreshed.status).toBe(200)
  })

  it('T10 a refresh whose replica is killed at any moment is done again on the other', async () => {
    system.use(one)
    const { redemption, client_id } = await connect(system.url)
    let { refresh_token } = (await token(system.url, redemption)).body
    for (const delay of [0, 5, 10, 15, 25]) {
      const present = { grant_type: 'refresh_token', client_id, refresh_token }
      const interrupted = token(one.url, present).catch(() => undefined)
      await new Promise(resolve => setTimeout(resolve, delay))
      await handOver()
      await interrupted
      const again = await token(one.url, present)
      expect([delay, again.status]).toEqual([delay, 200])
      refresh_token = again.body.refresh_token
    }
  }, 60_000)

  it('T10 a rolling restart loses no connection, and every call on the way is answered', async () => {
    system.use()
    const people = await Promise.all(
      ['alice@acme.example', 'bob@acme.example'].map(async user => {
        const { redemption, client_id } = await connect(system.url, user)
        return { client_id, ...(await token(system.url, redemption)).body }
      }),
    )
    const statuses: number[] = []
    let rolling = true
    const calling = people.map(async person => {
      while (rolling) {
        const headers = { authorization: `Bearer ${person.access_token}` }
        statuses.push((await fetch(`${system.url}/mcp`, { headers })).status)
        const { client_id, refresh_token } = person
        const { status, body } = await token(system.url, {
          ...{ grant_type: 'refresh_token', client_id, refresh_token },
        })
        statuses.push(status)
        Object.assign(person, body)
      }
    })
    await system.roll({})
    const while_rolling = statuses.length
    rolling = false
    await Promise.all(calling)
    expect(while_rolling).toBeGreaterThan(people.length)
    expect(new Set(statuses)).toEqual(new Set([200]))
    const ended = await system.db
      .selectFrom('connections')
      .select('id')
      .where('status', '=', 'ended')
      .execute()
    expect(ended).toEqual([])
  }, 120_000)
})
