import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Postgres, startPostgres } from '../../gateway/local/postgres.ts'
import type { Child, ChildOptions } from '../../gateway/local/stack/child.ts'
import { makeDataDirectory } from '../../gateway/local/stack/data-directory.ts'
import {
  type DevelopmentKeys,
  loadDevelopmentKeys,
} from '../../gateway/local/stack/development-keys.ts'
import { gatewayEnvironment } from '../../gateway/local/stack/environment.ts'
import { kongConfigFor, usual } from '../../gateway/local/stack/kong-config.ts'
import { type LogFile, openLogFile } from '../../gateway/local/stack/log-file.ts'
import { freePorts } from '../../gateway/local/stack/ports.ts'
import { answersAt, untilReady } from '../../gateway/local/stack/readiness.ts'
import { killWithChildren } from './kill.ts'
import { type PartName, partsOf, root } from './parts.ts'
import { removeLimits } from './remove-limits.ts'

/**
 * The whole system on free ports, with a database and keys of its own in a temporary folder. Unlike
 * the stack of `npm start` it lives on when a part ends: each may be killed and started again, as
 * Kong or an operator would.
 */
export interface LocalSystem<P extends Child> {
  readonly url: string
  /** The MCP server itself. */
  readonly mcp_server_url: string
  readonly socket: string
  readonly keys: DevelopmentKeys
  /** Straight to PostgreSQL. */
  readonly database_url: string
  /** What the vault references of the configuration stand for. */
  readonly environment: Readonly<Record<string, string>>
  readonly config_file: string
  readonly folder: string
  part(name: PartName): P
  /** Starts a part in the place of one that has ended, and waits until it answers. */
  start(name: PartName, args?: readonly string[]): Promise<void>
  stopDatabase(): Promise<void>
  /** kill -9 of every process of PostgreSQL, at once. */
  killDatabase(): Promise<void>
  startDatabase(): Promise<void>
  /** Stops everything; what was logged stays in `folder` when asked. */
  close(options?: { readonly keep: boolean }): Promise<void>
}

export interface LocalSystemOptions<P extends Child> {
  readonly launch: (options: ChildOptions) => P
  /** False leaves the rate limits of config/kong.yml out. */
  readonly limits: boolean
  /** False keeps the last lines only. */
  readonly log_files: boolean
  /** What the plugin and the MCP server reach PostgreSQL at, given PostgreSQL's own URL. */
  readonly databases?: (url: string) => Promise<Databases>
  /** Where the gateway sends MCP requests, instead of the MCP server: `http://127.0.0.1:1234`. */
  readonly upstream_url?: string
  /** Instead of the project's own mcp-server/main.ts: an absolute path. */
  readonly mcp_server_program?: string
  /** Further settings of postgresql.conf. */
  readonly database_settings?: Readonly<Record<string, string>>
}

export interface Databases {
  readonly plugin: string
  readonly mcp_server: string
}

/** Milliseconds a part may take until it answers. */
const patience = 30_000

export async function openLocalSystem<P extends Child>(
  options: LocalSystemOptions<P>,
): Promise<LocalSystem<P>> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-load-'))
  // PostgreSQL may run as another account, which must get through.
  await chmod(folder, 0o711)
  const running = new Map<PartName, P>()
  const logs = new Map<PartName, LogFile>()
  let database: Postgres | undefined
  const stopDatabase = async () => {
    await database?.stop()
  }
  const close: LocalSystem<P>['close'] = async ({ keep } = { keep: false }) => {
    for (const name of ['gateway', 'plugin-server', 'mcp-server', 'dev-idp'] as const)
      await running.get(name)?.stop()
    await stopDatabase()
    for (const log of logs.values()) await log.close()
    if (!keep) await rm(folder, { recursive: true, force: true })
  }
  try {
    const data = await makeDataDirectory(join(folder, 'data'))
    const [gateway = 0, mcp_server = 0, idp = 0, postgres = 0] = await freePorts(4)
    const startDatabase = async () => {
      database = await startPostgres({
        data_directory: join(data, 'postgres'),
        port: postgres,
        settings: options.database_settings ?? {},
      })
      return database.url
    }
    const database_url = await startDatabase()
    const keys = await loadDevelopmentKeys(join(data, 'keys.json'))
    const url = `http://localhost:${gateway}`
    const direct = { plugin: database_url, mcp_server: database_url }
    const databases = (await options.databases?.(database_url)) ?? direct
    const environment = gatewayEnvironment(url, databases.plugin, keys)
    const socket = join(data, 'plugin-server.sock')
    const kong_yml = root('config/kong.yml')
    const config_file = await kongConfigFor(
      {
        ...usual,
        mcp_server: options.upstream_url ?? `http://127.0.0.1:${mcp_server}`,
        idp: `http://localhost:${idp}`,
      },
      options.limits ? kong_yml : await removeLimits(kong_yml, join(data, 'no-limits.yml')),
      join(data, 'kong.yml'),
    )
    const ports = { gateway, mcp_server, idp }
    const parts = partsOf({
      ...{ ports, url, socket, keys, databases, environment, config_file },
      mcp_server_program: options.mcp_server_program ?? root('mcp-server/main.ts'),
    })

    const start: LocalSystem<P>['start'] = async (name, args = []) => {
      const { probe, ...part } = parts[name]
      const log = logs.get(name) ?? openLog(options.log_files, join(data, 'logs', `${name}.log`))
      logs.set(name, log)
      const child = options.launch({ ...part, name, args: [...part.args, ...args], log })
      running.set(name, child)
      const over = new AbortController()
      void child.ended.then(how => {
        const last = log.tail.join('\n')
        over.abort(new Error(`${name} ended: ${how}. Its last lines:\n${last}`))
      })
      await untilReady(probe, { patience, signal: over.signal })
    }
    await Promise.all([start('dev-idp'), start('mcp-server'), start('plugin-server')])
    await start('gateway')
    // It is ready once it has the gateway's keys.
    const signal = AbortSignal.timeout(patience)
    await untilReady(answersAt(`http://127.0.0.1:${mcp_server}/readyz`), { patience, signal })
    return {
      ...{ url, socket, keys, database_url, environment, config_file, folder },
      mcp_server_url: `http://127.0.0.1:${mcp_server}`,
      part: name => {
        const part = running.get(name)
        if (!part) throw new Error(`${name} was never started`)
        return part
      },
      start,
      stopDatabase,
      async killDatabase() {
        if (database?.pid === undefined) throw new Error('PostgreSQL has no process')
        await killWithChildren(database.pid)
        await database.stop()
      },
      startDatabase: async () => {
        await startDatabase()
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function openLog(to_file: boolean, path: string): LogFile {
  if (to_file) return openLogFile(path, () => undefined)
  const tail: string[] = []
  const write = (line: string) => {
    tail.push(line)
    if (tail.length > 10) tail.shift()
  }
  return { write, tail, close: () => Promise.resolve() }
}
