import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { toNodeHandler } from '@modelcontextprotocol/node'
import express from 'express'
import { format } from 'prettier'
import { type Child, startChild } from '../../gateway/local/stack/child.ts'
import { createParts, type Parts } from '../../gateway/local/stack/parts.ts'
import { type LocalSystem, openLocalSystem } from '../load/local-system.ts'
import { root } from '../load/parts.ts'
import { connect, token } from '../support/authorization-server.ts'
import type { Revision } from './expected.ts'
import { createFixtureHandler } from './fixture-server.ts'
import { allProblems, tablesOf } from './report.ts'
import type { Results } from './results.ts'
import { runAuthorization } from './run-authorization.ts'
import { runSuite } from './run-suite.ts'
import { openTokenProxy } from './token-proxy.ts'

const usage = `Usage: npm run conformance -- [--write]

Runs the server scenarios of the official conformance suite, those of both revisions of the protocol,
three times: against a server that has what the suite asks for, against the same through the whole
gateway, and against mcp-server through the gateway. A proxy adds an access token, which the suite's own
client cannot get. Then the suite's scenarios of an authorization server run against ours.

  --write  puts the results into docs/conformance.md
  --help   print this, and end

Ends with 1 when the gateway changes a result, or one is not as expected (test/conformance/expected.ts).
`
const document = root('docs/conformance.md')

async function startFixtures(parts: Parts): Promise<string> {
  const handle = toNodeHandler(createFixtureHandler())
  const server = createServer(express().all('/mcp', (req, res) => handle(req, res)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  parts.add('fixtures', () => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(() => resolve()))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The whole system, before this upstream or before mcp-server. */
async function withSystem<T>(
  upstream_url: string | undefined,
  use: (system: LocalSystem<Child>) => Promise<T>,
): Promise<T> {
  const system = await openLocalSystem({
    ...{ launch: startChild, limits: false, log_files: false },
    ...(upstream_url === undefined ? {} : { upstream_url }),
  })
  try {
    return await use(system)
  } finally {
    await system.close()
  }
}

type EachRevision = Readonly<Record<Revision, Results>>

/** Each revision in turn. */
async function runEach(url: string, folder: string): Promise<EachRevision> {
  return {
    '2025-11-25': await runSuite(`${url}/mcp`, '2025-11-25', join(folder, '2025-11-25')),
    '2026-07-28': await runSuite(`${url}/mcp`, '2026-07-28', join(folder, '2026-07-28')),
  }
}

/** The same as alice, whose token the suite's own client cannot get. */
async function runSignedIn({ url }: LocalSystem<Child>, folder: string): Promise<EachRevision> {
  const { redemption } = await connect(url, 'alice@acme.example')
  const { body, status } = await token(url, redemption)
  if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(body)}`)
  const proxy = await openTokenProxy(url, body.access_token)
  try {
    return await runEach(proxy.url, folder)
  } finally {
    await proxy.close()
  }
}

async function main(write: boolean): Promise<boolean> {
  const report = (line: string) => void process.stderr.write(`${line}\n`)
  const parts = createParts(report)
  try {
    const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-conformance-'))
    parts.add('folder', () => rm(folder, { recursive: true, force: true }))
    const fixtures = await startFixtures(parts)
    report('the fixtures')
    const direct = await runEach(fixtures, join(folder, 'direct'))
    report('the fixtures through the gateway')
    const gateway = await withSystem(fixtures, system =>
      runSignedIn(system, join(folder, 'gateway')),
    )
    report('mcp-server through the gateway, and the authorization server')
    const [mcp_server, authorization] = await withSystem(undefined, async system => [
      await runSignedIn(system, join(folder, 'mcp-server')),
      await runAuthorization(system.url, join(folder, 'authorization')),
    ])
    const runsOf = (revision: Revision) => ({
      direct: direct[revision],
      gateway: gateway[revision],
      mcp_server: mcp_server[revision],
    })
    const runs = { '2025-11-25': runsOf('2025-11-25'), '2026-07-28': runsOf('2026-07-28') }
    const tables = tablesOf({ runs, authorization })
    process.stdout.write(tables)
    if (write) await writeTables(tables)
    const problems = allProblems({ runs, authorization })
    process.stdout.write(problems.map(problem => `Not good: ${problem}\n`).join(''))
    return problems.length === 0
  } finally {
    await parts.stop()
  }
}

async function writeTables(tables: string): Promise<void> {
  const [before] = (await readFile(document, 'utf8')).split('## 2025-11-25')
  await writeFile(document, await format(`${before ?? ''}${tables}`, { parser: 'markdown' }))
}

try {
  const { values } = parseArgs({
    options: {
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) process.stdout.write(usage)
  else process.exitCode = (await main(values.write)) ? 0 : 1
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
