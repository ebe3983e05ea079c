import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { openProductDatabase, type ProductDatabase } from '../../../mcp-server/data/database.ts'
import { migrateProduct } from '../../../mcp-server/data/migrate.ts'
import { seedProduct } from '../../../mcp-server/data/seed.ts'
import { parsePolicy } from '../../../mcp-server/permissions/parse-policy.ts'
import type { Policy } from '../../../mcp-server/permissions/policy.ts'
import { tools } from '../../../mcp-server/tools/tools.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { anyCase, tables, violation, withoutFilter } from './permission-cases.ts'

const cases = fc.sample(anyCase, { numRuns: 10_000, seed: 20_260_728 })
const at_once = 8
const policy = parsePolicy(
  readFileSync(new URL('../../../config/permissions.yml', import.meta.url), 'utf8'),
  tools,
)

let database: TestDatabase
let data: ProductDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  data = openProductDatabase(database.url, () => undefined)
  await migrateProduct(data)
  await seedProduct(data)
})
afterAll(async () => {
  await data.destroy()
  await database.drop()
})

/** The first case that goes wrong, as far as it is found among these. */
async function firstViolation(db: ProductDatabase, rules: Policy): Promise<string | undefined> {
  for (let from = 0; from < cases.length; from += at_once) {
    const some = cases.slice(from, from + at_once)
    const found = await Promise.all(some.map(one => violation(db, rules, one)))
    const wrong = found.find(one => one !== undefined)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

describe('M02 over role, organization, tool and arguments', () => {
  it('nobody gets what they may not have, and everybody what they may', async () => {
    expect(await firstViolation(data, policy)).toBeUndefined()
  }, 120_000)

  it.each(tables)('the cases find out when %s are not filtered by organization', async table => {
    const found = await firstViolation(data.withPlugin(withoutFilter(table)), policy)
    expect(found).toMatch(/got/)
  })

  it.each(tools.map(({ name }) => name).filter(name => name !== 'whoami'))(
    'the cases find out when %s needs no permission',
    async tool => {
      const open = new Map([...policy.tools, [tool, { when: [] }]])
      expect(await firstViolation(data, { ...policy, tools: open })).toMatch(`${tool} is shown to`)
    },
  )

  it.each([...policy.roles.keys()])(
    'the cases find out when %s loses its permissions',
    async role => {
      const roles = new Map([...policy.roles].filter(([name]) => name !== role))
      expect(await firstViolation(data, { ...policy, roles })).toMatch(/hidden from/)
    },
  )
})
