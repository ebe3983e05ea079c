import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { messages, readEnvFile, UsageError } from '../../../storage/commands/command-store.ts'
import { ToolError } from '../../tools/tool-error.ts'
import { tools } from '../../tools/tools.ts'
import { explain } from '../explain.ts'
import { judge } from '../judge.ts'
import { parsePolicy, PolicyError } from '../parse-policy.ts'
import { permissionsOfRoles } from '../permission-source.ts'
import type { Policy } from '../policy.ts'
import { rolesOf, type Standing } from './roles-of.ts'

const shipped = fileURLToPath(new URL('../../../config/permissions.yml', import.meta.url))
const usage = `Says who may use which tool, and why.

  npm run permissions -- explain --tool TOOL (--user USER | --roles A,B) [--org ORG]
                         [--argument NAME=VALUE …] [--scopes "A B"] [--json]
  npm run permissions -- list  [--json]     tools by role
  npm run permissions -- check              whether the file is valid

  --user USER         a user id (usr_…) or an email: the roles are those of their connections
  --roles A,B         or these roles, of nobody in particular; then no database is asked
  --org ORG           in this organization; needed with --roles when the policy bounds organizations
  --argument N=V      an argument of the call; V is JSON, or else a text. Several may be given
  --scopes "A B"      what the client was granted; left out, scopes are taken as granted
  --file F            the policy (config/permissions.yml)
  --json              one JSON object a line
  --help              this text

Exits 0 when the answer is yes, 1 when it is no or the file is not valid, 2 when it was called wrongly.

With --user, the environment is the same as Kong's: DATABASE_URL and STORAGE_KEYS;
  --env F             reads them from a file; npm start writes .data/kong.env`

async function main(): Promise<number> {
  const { values, positionals } = parse()
  const [command, ...others] = positionals
  if (values.help || command === undefined || command === 'help') {
    console.log(usage)
    return values.help || command === 'help' ? 0 : 2
  }
  if (others.length > 0) throw new UsageError(`${others.join(' ')}: what is this? See --help.`)
  if (command !== 'explain' && command !== 'list' && command !== 'check')
    throw new UsageError(`There is no command "${command}". See --help.`)
  const policy = await readPolicy(values.file)
  if (command === 'check') {
    console.log(`${values.file} is valid: ${policy.roles.size} roles, ${policy.tools.size} tools.`)
    return 0
  }
  return command === 'list' ? list(policy, values.json) : explainAll(policy, values)
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        user: { type: 'string' },
        roles: { type: 'string' },
        org: { type: 'string' },
        tool: { type: 'string' },
        argument: { type: 'string', multiple: true, default: [] },
        scopes: { type: 'string' },
        file: { type: 'string', default: shipped },
        env: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\nSee --help.`)
  }
}

async function readPolicy(file: string): Promise<Policy> {
  let yaml: string
  try {
    yaml = await readFile(file, 'utf8')
  } catch (error) {
    throw new UsageError(`--file ${file} cannot be read`, { cause: error })
  }
  return parsePolicy(yaml, tools)
}

function list(policy: Policy, json: boolean): number {
  for (const role of policy.roles.keys()) {
    const permissions = permissionsOfRoles(
      { ...policy, organizations: new Map() },
      { roles: [role], org_id: '' },
    )
    const may = [...policy.tools]
      .filter(
        ([, rule]) => judge(rule, { permissions, scopes: new Set() }).permissions.length === 0,
      )
      .map(([name]) => name)
    console.log(json ? JSON.stringify({ role, tools: may }) : `${role}: ${may.join(', ')}`)
  }
  return 0
}

async function explainAll(
  policy: Policy,
  values: ReturnType<typeof parse>['values'],
): Promise<number> {
  const { tool: name, json } = values
  const tool = tools.find(one => one.name === name)
  if (!tool)
    throw new UsageError(`Say which tool with --tool: ${tools.map(one => one.name).join(', ')}.`)
  const input = inputOf(tool, values.argument)
  const scopes = values.scopes?.split(' ').filter(scope => scope !== '')
  const standings = await whoIsMeant(values)
  if (standings.length === 0)
    throw new UsageError(
      `${values.user ?? ''} has no active connection${values.org ? ` in ${values.org}` : ''}, so their roles are not known. Name them with --roles.`,
    )
  let all = true
  for (const { org_id, roles } of standings) {
    const { allowed, because } = explain(policy, { tool: tool.name, org_id, roles, scopes, input })
    all &&= allowed
    const verdict = `${allowed ? 'Yes' : 'No'}: ${tool.name}, in ${org_id || 'any organization'}, as ${roles.join(', ') || 'nobody in particular'}`
    console.log(
      json
        ? JSON.stringify({ tool: tool.name, org_id, roles, allowed, because })
        : [verdict, ...because.map(line => `  ${line}`)].join('\n'),
    )
  }
  return all ? 0 : 1
}

async function whoIsMeant(
  values: ReturnType<typeof parse>['values'],
): Promise<readonly Standing[]> {
  const { user, roles, org, env } = values
  if ((user === undefined) === (roles === undefined))
    throw new UsageError('Say who: either --user or --roles. See --help.')
  if (user === undefined)
    return [{ org_id: org ?? '', roles: (roles ?? '').split(',').filter(role => role !== '') }]
  readEnvFile(env)
  return rolesOf(user, org, process.env)
}

function inputOf(tool: (typeof tools)[number], given: readonly string[]) {
  if (given.length === 0) return undefined
  const args = Object.fromEntries(given.map(argument))
  try {
    return tool.prepare(args).input
  } catch (error) {
    if (error instanceof ToolError) throw new UsageError(error.message)
    throw error
  }
}

function argument(text: string): [string, unknown] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw new UsageError(`--argument ${text} is not NAME=VALUE`)
  try {
    return [name, JSON.parse(value)]
  } catch {
    // Whatever is no JSON is a text, so that nobody has to quote one.
    return [name, value]
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  if (error instanceof UsageError) {
    console.error(messages(error).join(': '))
    process.exitCode = 2
  } else if (error instanceof PolicyError) {
    console.error(error.message)
    process.exitCode = 1
  } else {
    console.error(`It failed: ${messages(error).join(': ')}`)
    process.exitCode = 1
  }
}
