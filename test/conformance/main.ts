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
import { startChild } from '../../gateway/local/stack/child.ts'
import { createParts, type Parts } from '../../gateway/local/stack/parts.ts'
import { openLocalSystem } from '../load/local-system.ts'
import { root } from '../load/parts.ts'
import { connect, token } from '../support/authorization-server.ts'
import { createFixtureHandler } from './fixture-server.ts'
import { problemsOf, tableOf } from './report.ts'
import { type Results, runSuite } from './run-suite.ts'
import { openTokenProxy } from './token-proxy.ts'

const usage = `Usage: npm run conformance -- [--write]

Runs the server scenarios of the official conformance suite three times: against a server that has
what the suite asks for, against the same through the whole gateway, and against mcp-server through the
gateway. A proxy adds an access token, which the suite's own client cannot get.

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

/** Through the whole gateway, before this upstream or before mcp-server. */
async function throughGateway(folder: string, upstream_url?: string): Promise<Results> {
  const system = await openLocalSystem({
    ...{ launch: startChild, limits: false, log_files: false },
    ...(upstream_url === undefined ? {} : { upstream_url }),
  })
  try {
    const { redemption } = await connect(system.url, 'alice@acme.example')
    const { body, status } = await token(system.url, redemption)
    if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(body)}`)
    const proxy = await openTokenProxy(system.url, body.access_token)
    try {
      return await runSuite(`${proxy.url}/mcp`, folder)
    } finally {
      await proxy.close()
    }
  } finally {
    await system.close()
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
    const direct = await runSuite(`${fixtures}/mcp`, join(folder, 'direct'))
    report('the fixtures through the gateway')
    const gateway = await throughGateway(join(folder, 'gateway'), fixtures)
    report('mcp-server through the gateway')
    const mcp_server = await throughGateway(join(folder, 'mcp-server'))
    const runs = { direct, gateway, mcp_server }
    process.stdout.write(tableOf(runs))
    if (write) await writeTable(tableOf(runs))
    const problems = problemsOf(runs)
    process.stdout.write(problems.map(problem => `Not good: ${problem}\n`).join(''))
    return problems.length === 0
  } finally {
    await parts.stop()
  }
}

async function writeTable(table: string): Promise<void> {
  const [before] = (await readFile(document, 'utf8')).split('| scenario')
  await writeFile(document, await format(`${before ?? ''}${table}`, { parser: 'markdown' }))
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
