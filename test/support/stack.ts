import { describe, expect, it } from '@jest/globals'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Document, parseDocument } from 'yaml'
import {
  type DevelopmentKeys,
  loadDevelopmentKeys,
} from '../../gateway/local/stack/development-keys.ts'
import { freePorts } from '../../gateway/local/stack/ports.ts'
import { startStack } from '../../gateway/local/stack/stack.ts'
import { createTestDatabase } from './database.ts'
import { kong_yml } from './kong-yml.ts'

/** What only a stack of our own gives: a look behind the gateway. */
export interface OwnStack {
  readonly keys: DevelopmentKeys
  readonly database_url: string
  readonly mcp_server_url: string
  readonly idp_url: string
  /** Where they serve their metrics; the console's is free when there is none. */
  readonly metrics_ports: {
    readonly plugin_server: number
    readonly mcp_server: number
    readonly console: number
  }
  /** Its own log, with what file-log writes. */
  readonly gateway_log: string
  /** Puts the operator's file into force as `openGateway` was told, with these changes on top. */
  reload(change?: Change): Promise<void>
}

/** Changes a configuration in place. */
export type Change = (kong_yml: Document) => void

export interface OpenGateway {
  readonly url: string
  /** Where it serves metrics and status. */
  readonly status_url: string | undefined
  /** Undefined for the gateway at GATEWAY_URL. */
  readonly own: OwnStack | undefined
  close(): Promise<void>
}

const given = process.env['GATEWAY_URL']
/** Processes of the plugin server, where a test file does not say how many. */
const plugin_workers = Number(process.env['PLUGIN_WORKERS'] ?? 1)
/** How many workers a test of security is run with: one, and more than one. */
export const worker_counts = given === undefined ? [1, 4] : [1]
const given_status = process.env['KONG_STATUS_URL']

/**
 * Tests that need to look behind the gateway. Against GATEWAY_URL they cannot run, and one test in
 * their place says so and why.
 */
export function describeOwnStack(name: string, needs: string, tests: () => void): void {
  if (given === undefined) describe(name, tests)
  else
    it(`${name}: not run against GATEWAY_URL, because it needs ${needs}`, () => {
      expect(given).toMatch(/^https?:/)
    })
}

/** Tests of what the status listener serves. Beside GATEWAY_URL they need KONG_STATUS_URL. */
export function describeStatus(name: string, tests: () => void): void {
  if (given === undefined || given_status !== undefined) describe(name, tests)
  else
    it(`${name}: not run against GATEWAY_URL, because KONG_STATUS_URL is not set`, () => {
      expect(given).toMatch(/^https?:/)
    })
}

/**
 * The gateway that the end-to-end tests talk to: the one at GATEWAY_URL when that is set, else a
 * whole stack of this test file's own, on free ports, with a database and keys of its own, and
 * config/kong.yml with `change`; and with a console if one is wanted.
 */
export async function openGateway(
  change: Change = () => undefined,
  workers = plugin_workers,
  { with_console = false }: { readonly with_console?: boolean } = {},
): Promise<OpenGateway> {
  if (given !== undefined) {
    const status_url = given_status === undefined ? undefined : new URL(given_status).origin
    const close = () => Promise.resolve()
    return { url: new URL(given).origin, status_url, own: undefined, close }
  }

  const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-e2e-'))
  await chmod(folder, 0o711)
  const database = await createTestDatabase()
  const remove = async () => {
    await database.drop()
    await rm(folder, { recursive: true, force: true })
  }
  const complaints: string[] = []
  try {
    const [port = 0, mcp_server_port = 0, idp_port = 0, status_port = 0, ...more] =
      await freePorts(8)
    const [plugin_server = 0, mcp_server = 0, console = 0, console_port = 0] = more
    const metrics_ports = { plugin_server, mcp_server, console }
    const data_directory = join(folder, 'data')
    const config_file = join(folder, 'kong.yml')
    const configure = async (...changes: readonly Change[]) => {
      const document = parseDocument(await readFile(kong_yml, 'utf8'))
      for (const apply of changes) apply(document)
      await writeFile(config_file, document.toString())
    }
    await configure(change)
    const stack = await startStack({
      data_directory,
      port,
      mcp_server_port,
      idp_port,
      status_port,
      ...(with_console && { console_port }),
      metrics_ports,
      workers,
      config_file,
      database_url: database.url,
      report: event => {
        if (event.type === 'complaint') complaints.push(`${event.part}: ${event.line}`)
      },
    })
    const own: OwnStack = {
      keys: await loadDevelopmentKeys(join(data_directory, 'keys.json')),
      database_url: database.url,
      mcp_server_url: `http://127.0.0.1:${mcp_server_port}`,
      idp_url: `http://localhost:${idp_port}`,
      metrics_ports,
      gateway_log: join(stack.logs, 'gateway.log'),
      async reload(further = () => undefined) {
        await configure(change, further)
        await stack.reload()
      },
    }
    const close = async () => {
      await stack.stop()
      await remove()
    }
    return { url: stack.url, status_url: `http://127.0.0.1:${status_port}`, own, close }
  } catch (error) {
    await remove()
    const said = complaints.join('\n')
    throw new Error(`the stack did not start: ${String(error)}\n${said}`, { cause: error })
  }
}

/** The look behind the gateway, for tests in a `describeOwnStack`. */
export function ownStack({ own }: OpenGateway): OwnStack {
  if (own === undefined) throw new Error('the gateway at GATEWAY_URL gives no look behind it')
  return own
}
