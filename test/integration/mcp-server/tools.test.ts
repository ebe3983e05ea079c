import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { JWTPayload } from 'jose'
import { generateProductRows } from '../../../mcp-server/data/generate.ts'
import { ACME, GLOBEX } from './assertion.ts'
import { call, startServer, type TestServer } from './server.ts'

interface Page {
  readonly companies: { id: string; name: string; sector: string; country: string }[]
  readonly next_cursor?: string
}
interface List {
  readonly id: string
  readonly name: string
  readonly companies: { id: string; name: string }[]
}

const rows = generateProductRows()
const orgs: [org: string, who: JWTPayload, other: string][] = [
  ['acme', ACME, 'globex'],
  ['globex', GLOBEX, 'acme'],
]
const companiesOf = (org: string | null) =>
  rows['product.companies'].filter(({ org_id }) => org_id === org).map(({ id }) => id)

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

async function use<T>(
  name: string,
  args: Record<string, unknown>,
  who: JWTPayload = ACME,
): Promise<T> {
  const answer = await call(server, name, args, who)
  expect(answer.error).toBeUndefined()
  expect(answer.result?.isError ?? false).toBe(false)
  const { structuredContent, content } = answer.result ?? { content: [] }
  expect(JSON.parse(content[0]?.text ?? '')).toEqual(structuredContent)
  return structuredContent as T
}

async function complaint(
  name: string,
  args: Record<string, unknown>,
  who: JWTPayload = ACME,
): Promise<string> {
  const answer = await call(server, name, args, who)
  expect(answer.result).toMatchObject({ isError: true })
  expect(answer.result?.structuredContent).toBeUndefined()
  return answer.result?.content[0]?.text ?? ''
}

async function everyCompany(who: JWTPayload): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page: Page = await use('search_companies', { limit: 50, ...(cursor && { cursor }) }, who)
    ids.push(...page.companies.map(({ id }) => id))
    cursor = page.next_cursor
  }
  return ids
}

const listsOf = async (who: JWTPayload) =>
  (await use<{ lists: List[] }>('list_saved_lists', {}, who)).lists

describe('whoami', () => {
  it('says who is calling', async () => {
    expect(await use('whoami', {}, GLOBEX)).toEqual({
      user_id: 'usr_erin',
      email: 'erin@acme.example',
      org_id: 'globex',
      roles: ['analyst'],
      client_id: 'client-1',
      scope: 'openid mcp:tools',
    })
  })
})

describe('search_companies', () => {
  it.each(orgs)('M02 gives %s its own companies and everyone’s, each once', async (org, who) => {
    const expected = [...companiesOf(null), ...companiesOf(org)]
    const found = await everyCompany(who)
    expect(found).toHaveLength(expected.length)
    expect(new Set(found)).toEqual(new Set(expected))
  })

  it('finds by words, sector and country', async () => {
    const { companies } = await use<Page>('search_companies', { query: 'kESTREL', limit: 50 })
    expect(companies.length).toBeGreaterThan(1)
    for (const { name } of companies) expect(name).toMatch(/Kestrel/)
    const some = await use<Page>('search_companies', { sector: 'fintech', country: 'de' })
    expect(some.companies.length).toBeGreaterThan(0)
    for (const company of some.companies) {
      expect(company).toMatchObject({ sector: 'fintech', country: 'DE' })
    }
  })

  it('takes wildcards and quotes for what they are', async () => {
    for (const query of ['%', '_', '\\', "' or true --"]) {
      expect(await use('search_companies', { query })).toEqual({ companies: [] })
    }
  })

  it.each<[Record<string, unknown>, RegExp]>([
    [{ limit: 51 }, /limit: .*50/],
    [{ limit: 'ten' }, /limit: .*number/],
    [{ sector: 'sports' }, /sector: .*climate/],
    [{ country: 'Germany' }, /country: must be a two-letter country code/],
    [{ query: '' }, /query: /],
    [{ query: 'a\0b' }, /query: must not hold control characters/],
    [{ cursor: 'nonsense' }, /cursor: is not a next_cursor/],
    [{ org_id: 'globex' }, /org_id/],
  ])('says what to change in %j', async (args, advice) => {
    expect(await complaint('search_companies', args)).toMatch(advice)
  })

  it('says everything there is to change at once', async () => {
    expect(await complaint('search_companies', { country: 1, limit: 0 })).toMatch(
      /country[^]*limit/,
    )
  })
})

describe('get_company', () => {
  it.each(orgs)('M02 shows %s what it may see and nothing else', async (org, who, other) => {
    for (const id of [companiesOf(null)[0], companiesOf(org)[3]]) {
      expect(await use('get_company', { id }, who)).toMatchObject({ id })
    }
    const unknown = await complaint('get_company', { id: 'cmp_9999' }, who)
    expect(unknown).toMatch(/search_companies/)
    for (const id of companiesOf(other)) {
      expect(await complaint('get_company', { id }, who)).toBe(unknown)
    }
  })

  it.each(orgs)(
    'M02 hides from %s the notes of another org on a public company',
    async (org, who) => {
      const seen = { people: new Set<string>(), funding_rounds: new Set<string>() }
      for (const id of companiesOf(null)) {
        const company = await use<Record<keyof typeof seen, { id: string }[]>>(
          'get_company',
          { id },
          who,
        )
        for (const { id: person } of company.people) seen.people.add(person)
        for (const { id: round } of company.funding_rounds) seen.funding_rounds.add(round)
      }
      const open = new Set(companiesOf(null))
      for (const kind of ['people', 'funding_rounds'] as const) {
        const visible = rows[`product.${kind}`].filter(
          row => open.has(row.company_id) && (row.org_id === null || row.org_id === org),
        )
        expect(seen[kind]).toEqual(new Set(visible.map(({ id }) => id)))
      }
    },
  )
})

describe('list_saved_lists', () => {
  it.each(orgs)('M02 gives %s its own lists', async (org, who) => {
    const expected = rows['product.saved_lists'].filter(({ org_id }) => org_id === org)
    const lists = await listsOf(who)
    expect(new Set(lists.map(({ id }) => id))).toEqual(new Set(expected.map(({ id }) => id)))
    for (const list of lists) expect(list.companies.length).toBeGreaterThan(0)
  })
})

describe('add_to_list', () => {
  it('adds by name, once, and by id', async () => {
    const [first, second] = companiesOf('acme')
    const args = { list_name: 'To call', company_id: first }
    const created = await use<{ list: { id: string } }>('add_to_list', args)
    expect(created).toMatchObject({ added: true, list_created: true, list: { name: 'To call' } })
    const again = { list_name: ' to CALL ', company_id: first }
    expect(await use('add_to_list', again)).toMatchObject({ added: false, list_created: false })
    const { id } = created.list
    expect(await use('add_to_list', { list_id: id, company_id: second })).toMatchObject({
      added: true,
    })
    const list = (await listsOf(ACME)).find(candidate => candidate.id === id)
    expect(new Set(list?.companies.map(company => company.id))).toEqual(new Set([first, second]))
  })

  it('makes one list of a name that comes twice at once', async () => {
    const [first, second] = companiesOf(null)
    const both = await Promise.all(
      [first, second].map(company_id =>
        use<{ list: { id: string } }>('add_to_list', { list_name: 'At once', company_id }),
      ),
    )
    expect(both[0]?.list.id).toBe(both[1]?.list.id)
  })

  it('M02 keeps equal names of two orgs apart', async () => {
    const args = { list_name: 'Same name', company_id: companiesOf(null)[0] }
    const acme = await use<{ list: { id: string } }>('add_to_list', args, ACME)
    const globex = await use<{ list: { id: string } }>('add_to_list', args, GLOBEX)
    expect(acme.list.id).not.toBe(globex.list.id)
  })

  it.each(orgs)(
    'M02 gives %s no way to lists and companies of another',
    async (_org, who, other) => {
      const theirs = rows['product.saved_lists'].find(({ org_id }) => org_id === other)?.id
      const public_company = companiesOf(null)[1]
      const unknown = await complaint(
        'add_to_list',
        { list_id: 'lst_9999', company_id: public_company },
        who,
      )
      expect(unknown).toMatch(/list_saved_lists/)
      expect(
        await complaint('add_to_list', { list_id: theirs, company_id: public_company }, who),
      ).toBe(unknown)
      const args = { list_name: 'Not to be made', company_id: companiesOf(other)[0] }
      expect(await complaint('add_to_list', args, who)).toMatch(/search_companies/)
      expect((await listsOf(who)).map(({ name }) => name)).not.toContain('Not to be made')
    },
  )

  it('wants one of list_id and list_name', async () => {
    const company_id = companiesOf(null)[0]
    for (const args of [{}, { list_id: 'a', list_name: 'b' }]) {
      expect(await complaint('add_to_list', { ...args, company_id })).toMatch(/either list_id or/)
    }
  })
})
