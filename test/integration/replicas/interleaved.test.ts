import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Page } from '../../../gateway/local/demo/browser.ts'
import {
  approve,
  authorizationRequest,
  callback,
  formOf,
  openBrowser,
  register,
  token,
  type Tokens,
} from '../../support/authorization-server.ts'
import { type Company, openCompany } from '../../support/company.ts'
import { openReplicas, type Replicas } from '../../support/replicas.ts'
import { claimsOf } from '../../support/token-claims.ts'

const people = [
  { email: 'alice@acme.example', org_id: 'acme' },
  { email: 'carol@globex.example', org_id: 'globex' },
] as const

type Person = (typeof people)[number]

describe('two users of one client on two replicas', () => {
  let company: Company
  let system: Replicas
  let client_id: string
  /** What the gateway calls each of them; learnt at their first call. */
  const user_ids = new Map<string, unknown>()

  beforeAll(async () => {
    system = await openReplicas({
      count: 2,
      settings: async url => {
        company = await openCompany(url)
        return { identity_providers: [company.setting] }
      },
    })
    ;({ client_id } = await register(system.url))
  })

  afterAll(async () => {
    await system.close()
    await company.close()
  })

  /** A tool call: what the upstream is told about who it is from. */
  async function call({ email, org_id }: Person, { access_token }: Tokens): Promise<void> {
    const headers = { authorization: `Bearer ${access_token}` }
    const answer = await fetch(`${system.url}/mcp`, { headers })
    expect(answer.status).toBe(200)
    const told = (await answer.json()) as Record<string, string>
    const identity = claimsOf(told.authorization?.replace('Bearer ', '') ?? '')
    const user_id = user_ids.get(email) ?? identity.sub
    user_ids.set(email, user_id)
    expect(identity).toMatchObject({ email, org_id, sub: user_id, client_id })
    expect(told).toMatchObject({
      'x-user-email': email,
      'x-org-id': org_id,
      'x-user-id': user_id,
      'x-client-id': client_id,
    })
  }

  /** A whole connection as steps that another person's may come between. */
  async function* connection(person: Person): AsyncGenerator<undefined> {
    const { email, org_id } = person
    const browser = openBrowser()
    const request = authorizationRequest(system.url, client_id, { scope: 'openid mcp:tools' })
    let page: Page = await browser.open(request.url)
    yield
    page = await browser.submit(page, formOf(page), { press: { name: 'provider', value: 'dev' } })
    yield
    const fields = { username: email, password: 'password' }
    page = await browser.submit(page, formOf(page), { fields })
    expect(page.html).toContain(email)
    for (const other of people) if (other !== person) expect(page.html).not.toContain(other.email)
    yield
    const code = (await approve(browser, page)).get('code') ?? ''
    yield
    const { body } = await token(system.url, {
      grant_type: 'authorization_code',
      client_id,
      code,
      redirect_uri: callback,
      code_verifier: request.code_verifier,
    })
    let tokens: Tokens = body
    for (let round = 0; round < 3; round += 1) {
      yield
      await call(person, tokens)
      expect(claimsOf(tokens.access_token)).toMatchObject({ org_id, sub: user_ids.get(email) })
      yield
      const { refresh_token } = tokens
      const next = await token(system.url, {
        grant_type: 'refresh_token',
        client_id,
        refresh_token,
      })
      expect(next.status).toBe(200)
      tokens = next.body
    }
    yield
    await call(person, tokens)
  }

  const steps = 11

  it('T11 in any order of their steps each of them stays who they are', async () => {
    const turn = fc.record({ whose: fc.nat(1), at: fc.nat(1) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(turn, { minLength: 2 * steps, maxLength: 2 * steps }),
        async turns => {
          const flows = people.map(connection)
          const take = async (whose: number, at: number) => {
            system.use(...[system.replicas[at]].flatMap(replica => replica ?? []))
            await flows[whose]?.next()
          }
          for (const { whose, at } of turns) await take(whose, at)
          for (const flow of flows) while (!(await flow.next()).done);
        },
      ),
      { numRuns: 12 },
    )
    expect(new Set(user_ids.values()).size).toBe(2)
  }, 60_000)

  it('T11 all at once each of them stays who they are', async () => {
    system.use()
    const run = async (person: Person) => {
      const flow = connection(person)
      while (!(await flow.next()).done);
    }
    await Promise.all(Array.from({ length: 4 }, () => people.map(run)).flat())
    expect(new Set(user_ids.values()).size).toBe(2)
  }, 60_000)

  it('T11 one cannot go on where the other has got to', async () => {
    const [alice, carol] = [openBrowser(), openBrowser()]
    const request = authorizationRequest(system.url, client_id)
    let page = await alice.open(request.url)
    page = await alice.submit(page, formOf(page), { press: { name: 'provider', value: 'dev' } })
    const fields = { username: 'alice@acme.example', password: 'password' }
    page = await alice.submit(page, formOf(page), { fields })
    const stolen = await carol.open(page.url)
    // Her browser has no cookie of this request, so it is not even found there.
    expect(stolen.status).toBe(400)
    expect(stolen.html).not.toContain('alice@acme.example')
    const forced = await carol.submit(page, formOf(page), {
      press: { name: 'decision', value: 'approve' },
    })
    expect([forced.status, forced.intercepted]).toEqual([400, false])
    expect((await approve(alice, page)).get('code')).toBeTruthy()
  })
})
