import fc from 'fast-check'
import type { KyselyPlugin, RootOperationNode } from 'kysely'
import { generateProductRows } from '../../../mcp-server/data/generate.ts'
import type { ProductDatabase } from '../../../mcp-server/data/database.ts'
import { visibleRows } from '../../../mcp-server/data/visible-rows.ts'
import { accessOf } from '../../../mcp-server/permissions/access.ts'
import { permissionsOfRoles } from '../../../mcp-server/permissions/permission-source.ts'
import type { Policy } from '../../../mcp-server/permissions/policy.ts'
import { ToolError } from '../../../mcp-server/tools/tool-error.ts'
import { tools } from '../../../mcp-server/tools/tools.ts'

/** Nobody goes away, and nobody hears of progress. */
const unattended = { signal: new AbortController().signal, progress: () => Promise.resolve() }

export const tables = [
  'companies',
  'people',
  'funding_rounds',
  'saved_lists',
  'saved_list_items',
] as const
export type Table = (typeof tables)[number]

const rows = generateProductRows()
const companies = rows['product.companies'].map(({ id }) => id)
const lists = rows['product.saved_lists'].map(({ id }) => id)
const names = [...rows['product.saved_lists'].map(({ name }) => name), 'A new one']

/** Who may use what, written once more and by hand: this is what the policy is held to. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  whoami: ['viewer', 'analyst', 'admin', 'janitor', ''],
  search_companies: ['viewer', 'analyst', 'admin'],
  get_company: ['viewer', 'analyst', 'admin'],
  list_saved_lists: ['viewer', 'analyst', 'admin'],
  add_to_list: ['analyst', 'admin'],
}

interface Owned {
  readonly id: string
  readonly org_id: string | null
}

/** Every org's rows by the ids that tell them: what another org's answer must not hold. */
const owners = new Map<string, string>()
for (const table of ['companies', 'people', 'funding_rounds', 'saved_lists'] as const)
  for (const { id, org_id } of rows[`product.${table}`] as readonly Owned[])
    if (org_id !== null) owners.set(id, org_id)

export interface PermissionCase {
  readonly roles: readonly string[]
  readonly org_id: string
  /** A tool, or a table that is read as the tools read it. */
  readonly tool: string
  readonly arguments: Readonly<Record<string, unknown>>
}

const id = fc.oneof(fc.constantFrom(...companies), fc.constantFrom('cmp_0', 'cmp_9999', ''))
const list = fc.oneof(fc.constantFrom(...lists), fc.constantFrom('lst_9999', ''))
const argumentsOf: Readonly<Record<string, fc.Arbitrary<Record<string, unknown>>>> = {
  whoami: fc.constantFrom({}, { org_id: 'globex' }),
  search_companies: fc.record(
    { limit: fc.integer({ min: 1, max: 50 }), query: fc.constantFrom('a', 'Kestrel', 'note') },
    { requiredKeys: [] },
  ),
  get_company: fc.record({ id }),
  list_saved_lists: fc.constant({}),
  add_to_list: fc.oneof(
    fc.record({ list_id: list, company_id: id }),
    fc.record({ list_name: fc.constantFrom(...names), company_id: id }),
  ),
}

/** Calls of every tool by every kind of person, with ids that are theirs, another org's and nobody's. */
export const anyCase: fc.Arbitrary<PermissionCase> = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom('viewer', 'analyst', 'admin', 'janitor'), { maxLength: 2 }),
    fc.constantFrom('acme', 'globex', 'nobody'),
    fc.constantFrom(...Object.keys(argumentsOf), ...tables),
  )
  .chain(([roles, org_id, tool]) =>
    (argumentsOf[tool] ?? fc.constant({})).map(args => ({ roles, org_id, tool, arguments: args })),
  )

/** Runs a case. Gives what is wrong with what happened; undefined when all is well. */
export async function violation(
  data: ProductDatabase,
  policy: Policy,
  { roles, org_id, tool: name, arguments: args }: PermissionCase,
): Promise<string | undefined> {
  const table = tables.find(one => one === name)
  if (table) return foreignOwner(data, table, org_id)
  const tool = tools.find(one => one.name === name)
  if (!tool) throw new Error(`no tool ${name}`)
  const user = { user_id: 'usr_x', email: 'x@acme.example', client_id: 'c', connection_id: 's' }
  const identity = { ...user, org_id, roles, scope: 'mcp:tools' }
  const access = accessOf(policy, identity, permissionsOfRoles(policy, identity))
  const may = (roles.length === 0 ? [''] : roles).some(role => allowed[name]?.includes(role))
  if (access.shows(name) !== may)
    return `${name} is ${may ? 'hidden from' : 'shown to'} ${roles.join()}`
  try {
    access.demand(name)
    const call = tool.prepare(args)
    access.demand(name, call.input)
    const answer = JSON.stringify(await call.run({ identity, data, ...unattended }))
    if (!may) return `${name} ran for ${roles.join()}`
    return foreignIdIn(answer, org_id)
  } catch (error) {
    if (!(error instanceof ToolError)) throw error
    if (error.code === 'forbidden' && may) return `${name} was refused to ${roles.join()}`
    return undefined
  }
}

function foreignIdIn(answer: string, org_id: string): string | undefined {
  for (const [, found = ''] of answer.matchAll(/"id":"([^"]+)"/g)) {
    const owner = owners.get(found)
    if (owner !== undefined && owner !== org_id) return `${org_id} got ${found} of ${owner}`
  }
  return undefined
}

async function foreignOwner(
  data: ProductDatabase,
  table: Table,
  org_id: string,
): Promise<string | undefined> {
  const found = await visibleRows(data, org_id)
    .selectFrom(table)
    .select('org_id')
    .distinct()
    .execute()
  const foreign = found.find(row => row.org_id !== null && row.org_id !== org_id)
  return foreign && `${org_id} got a row of ${String(foreign.org_id)} in ${table}`
}

/** Takes the filter by organization off one table, in every query: what a careless edit would do. */
export function withoutFilter(table: Table): KyselyPlugin {
  return {
    transformQuery: ({ node }) => unfiltered(node, table),
    transformResult: ({ result }) => Promise.resolve(result),
  }
}

function unfiltered(root: RootOperationNode, table: Table): RootOperationNode {
  if (root.kind !== 'SelectQueryNode' || !root.with) return root
  const expressions = root.with.expressions.map(expression => {
    const { expression: query, name } = expression
    if (name.table.table.identifier.name !== table || query.kind !== 'SelectQueryNode')
      return expression
    return {
      ...expression,
      expression: Object.fromEntries(
        Object.entries(query).filter(([part]) => part !== 'where'),
      ) as unknown as typeof query,
    }
  })
  return { ...root, with: { ...root.with, expressions } }
}
