import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { type Connected, connectAs, type Mode } from '../support/sdk-clients.ts'
import { openGateway, type OpenGateway } from '../support/stack.ts'

const tools = ['whoami', 'search_companies', 'get_company', 'list_saved_lists', 'add_to_list']
const people = {
  alice: { email: 'alice@acme.example', org_id: 'acme', roles: ['admin'] },
  bob: { email: 'bob@acme.example', org_id: 'acme', roles: ['analyst'] },
  carol: { email: 'carol@globex.example', org_id: 'globex', roles: ['viewer'] },
} as const
type Name = keyof typeof people
const names = Object.keys(people) as Name[]

let gateway: OpenGateway
beforeAll(async () => {
  gateway = await openGateway()
}, 60_000)
afterAll(() => gateway.close())

async function eachPerson<T>(make: (name: Name) => Promise<T>): Promise<Record<Name, T>> {
  const [alice, bob, carol] = await Promise.all([make('alice'), make('bob'), make('carol')])
  return { alice, bob, carol }
}

interface Company {
  readonly id: string
  readonly name: string
}

/** Every company a client gets to see, page after page. */
async function companiesOf(client: Connected): Promise<ReadonlyMap<string, Company>> {
  const seen = new Map<string, Company>()
  let cursor: unknown
  do {
    const more = cursor === undefined ? {} : { cursor }
    const { structured } = await client.callTool('search_companies', { limit: 50, ...more })
    for (const company of structured['companies'] as Company[]) seen.set(company.id, company)
    cursor = structured['next_cursor']
  } while (cursor !== undefined)
  return seen
}

async function listsOf(client: Connected) {
  const { structured } = await client.callTool('list_saved_lists')
  return structured['lists'] as readonly { name: string; companies: readonly Company[] }[]
}

const clients: readonly (readonly [string, Mode, string, string])[] = [
  ['v1 on /mcp', 'v1', '/mcp', '2025-11-25'],
  ['v1 on /mcp/', 'v1', '/mcp/', '2025-11-25'],
  ['v2, initialize', 'legacy', '/mcp', '2025-11-25'],
  ['v2, negotiating on /mcp/', 'auto', '/mcp/', '2026-07-28'],
  ['v2, pinned', { pin: '2026-07-28' }, '/mcp', '2026-07-28'],
]

describe.each(clients)('the client %s', (_name, mode, path, protocol_version) => {
  let connected: Record<Name, Connected>
  beforeAll(async () => {
    const endpoint = new URL(path, gateway.url)
    connected = await eachPerson(name => connectAs(people[name].email, endpoint, mode))
  })
  afterAll(() => Promise.all(Object.values(connected).map(client => client.close())))

  it('M03 speaks its era and finds every tool', async () => {
    expect(connected.alice.protocol_version).toBe(protocol_version)
    expect(await connected.alice.listTools()).toEqual(tools)
  })

  it('R01 A06 T01 M01 acts for the user who signed in', async () => {
    const said = await eachPerson(async name => {
      const { structured } = await connected[name].callTool('whoami')
      const client_id = connected[name].oauth.clientInformation()?.client_id
      expect(structured).toMatchObject({ ...people[name], client_id, scope: 'mcp:tools' })
      return structured['user_id']
    })
    expect(new Set(Object.values(said)).size).toBe(3)
  })

  it('T11 is never mistaken for another, with all of them calling at once', async () => {
    const calls = Array.from({ length: 10 }, () =>
      names.map(async name => {
        const { structured } = await connected[name].callTool('whoami')
        expect(structured).toMatchObject(people[name])
      }),
    )
    await Promise.all(calls.flat())
    expect.assertions(30)
  })

  it('M02 sees the companies of everyone and of its own org only', async () => {
    const { alice, bob, carol } = await eachPerson(name => companiesOf(connected[name]))
    expect([...bob.keys()]).toEqual([...alice.keys()])
    const acme = [...alice.keys()].filter(id => !carol.has(id))
    const globex = [...carol.keys()].filter(id => !alice.has(id))
    expect([acme.length > 0, globex.length > 0]).toEqual([true, true])
    expect(alice.size).toBeGreaterThan(acme.length)
    const [of_acme = '', of_globex = ''] = [acme[0], globex[0]]
    for (const [name, own, foreign] of [
      ['alice', of_acme, of_globex],
      ['bob', of_acme, of_globex],
      ['carol', of_globex, of_acme],
    ] as const) {
      const found = await connected[name].callTool('get_company', { id: own })
      expect([found.isError, found.structured['id']]).toEqual([false, own])
      const hidden = await connected[name].callTool('get_company', { id: foreign })
      expect([hidden.isError, hidden.structured]).toEqual([true, {}])
    }
  })

  it('M02 keeps lists that the org shares and others neither see nor fill', async () => {
    const { alice, bob, carol } = connected
    const list_name = `End to end ${randomUUID()}`
    const visible = await companiesOf(alice)
    const [company] = visible.values()
    if (!company) throw new Error('alice sees no company')
    const added = await alice.callTool('add_to_list', { list_name, company_id: company.id })
    expect(added.structured).toMatchObject({ added: true, list_created: true })
    expect((await listsOf(bob)).find(({ name }) => name === list_name)).toMatchObject({
      companies: [{ id: company.id, name: company.name }],
    })
    expect((await listsOf(carol)).map(({ name }) => name)).not.toContain(list_name)

    const foreign = [...(await companiesOf(carol)).keys()].find(id => !visible.has(id))
    const refused = await alice.callTool('add_to_list', { list_name, company_id: foreign })
    expect(refused.isError).toBe(true)
  })

  it('T03 refreshes by itself when the access token is no longer taken', async () => {
    const { bob } = connected
    const { oauth } = bob
    const before = oauth.tokens()
    if (!before?.refresh_token) throw new Error('bob got no refresh token')
    oauth.saveTokens({ ...before, access_token: 'no-longer-good' })
    expect((await bob.callTool('whoami')).structured).toMatchObject(people.bob)
    const after = oauth.tokens()
    expect(after?.access_token).not.toBe(before.access_token)
    expect(after?.refresh_token).toEqual(expect.any(String))
    expect(after?.refresh_token).not.toBe(before.refresh_token)
    // The one it got by refreshing can be refreshed in turn.
    oauth.saveTokens({ ...before, ...after, access_token: 'no-longer-good' })
    expect((await bob.callTool('whoami')).structured).toMatchObject(people.bob)
  })
})
