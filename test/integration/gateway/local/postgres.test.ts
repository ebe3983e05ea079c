import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import pg from 'pg'
import {
  type Postgres,
  type PostgresOptions,
  startPostgres,
} from '../../../../gateway/local/postgres.ts'

const MODULE = new URL('../../../../gateway/local/postgres.ts', import.meta.url).href
/** What a test does not need, and waits for on a slow disk. */
const hasty = { fsync: 'off' }

describe('startPostgres', () => {
  /** One folder for all, since making a cluster is what takes long; each test leaves it whole. */
  let folder: string
  let started: Postgres[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-postgres-'))
    await chmod(folder, 0o711)
  })

  beforeEach(() => {
    started = []
  })

  afterEach(() => Promise.all(started.map(postgres => postgres.stop())))

  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function start(options: Partial<PostgresOptions> = {}): Promise<Postgres> {
    const data_directory = join(folder, 'postgres')
    const postgres = await startPostgres({ data_directory, settings: hasty, ...options })
    started.push(postgres)
    return postgres
  }

  async function ask(url: string, query: string): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      const { rows } = await client.query<Record<string, unknown>>(query)
      return rows.flatMap(row => Object.values(row))
    } finally {
      await client.end()
    }
  }

  it('listens on loopback alone, in UTF-8 and the C locale', async () => {
    const { url } = await start()
    expect(await ask(url, 'show listen_addresses')).toEqual(['127.0.0.1'])
    expect(await ask(url, 'show unix_socket_directories')).toEqual([''])
    const locale = 'select pg_encoding_to_char(encoding), datcollate, datctype from pg_database'
    expect(await ask(url, `${locale} where datname = 'template1'`)).toEqual(['UTF8', 'C', 'C'])
  })

  it('keeps its folder and its password to itself', async () => {
    const { url } = await start()
    const directory = join(folder, 'postgres')
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect((await stat(join(directory, 'password'))).mode & 0o777).toBe(0o600)
    const { password } = new URL(url)
    expect(await readFile(join(directory, 'password'), 'utf8')).toBe(password)
    expect(password).toMatch(/^[\w-]{32}$/)
    const guess = new URL(url)
    guess.password = 'postgres'
    await expect(ask(guess.href, 'select 1')).rejects.toThrow('password authentication failed')
  })

  it('is there again after a stop, with everything in it', async () => {
    const first = await start()
    await ask(first.url, 'create table first as select 42 as answer')
    await first.stop()
    await expect(ask(first.url, 'select 1')).rejects.toThrow('ECONNREFUSED')
    const second = await start()
    expect(await ask(second.url, 'select answer from first')).toEqual([42])
    expect(new URL(second.url).password).toBe(new URL(first.url).password)
  })

  it('may be stopped twice', async () => {
    const postgres = await start()
    await Promise.all([postgres.stop(), postgres.stop()])
  })

  it('says that the folder is in use', async () => {
    const first = await start()
    await expect(start()).rejects.toThrow(/postgres is in use: is it already running\?/)
    expect(await ask(first.url, 'select 1')).toEqual([1])
  })

  it('says that the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await expect(start({ port })).rejects.toThrow(`port ${port}, meant for PostgreSQL, is taken`)
    await new Promise(resolve => other.close(resolve))
    expect(await ask((await start({ port })).url, 'select 1')).toEqual([1])
  })

  it('starts although clients knock before it is ready', async () => {
    const port = await freePort()
    const lines: string[] = []
    let knocking = true
    const knock = async () => {
      while (knocking) {
        const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password: 'x' })
        await client.connect().catch(() => undefined)
        await client.end().catch(() => undefined)
      }
    }
    const knocks = Promise.all([knock(), knock(), knock(), knock()])
    try {
      const postgres = await start({ port, log: line => lines.push(line) })
      expect(new URL(postgres.url).port).toBe(String(port))
    } finally {
      knocking = false
      await knocks
    }
  })

  it('says why PostgreSQL does not start', async () => {
    await (await start()).stop()
    const file = join(folder, 'postgres/cluster/PG_VERSION')
    const version = await readFile(file)
    await writeFile(file, '9\n')
    await expect(start()).rejects.toThrow('database files are incompatible with server')
    await writeFile(file, version)
  })

  it('says that the password is gone, and touches nothing', async () => {
    await (await start()).stop()
    const file = join(folder, 'postgres/password')
    await rename(file, `${file}.moved`)
    await expect(start()).rejects.toThrow('put the file "password" back')
    await rename(`${file}.moved`, file)
    expect(await ask((await start()).url, 'select 1')).toEqual([1])
  })

  it('begins anew when the first start was cut short', async () => {
    const data_directory = join(folder, 'cut-short')
    await mkdir(join(data_directory, 'cluster.new/base'), { recursive: true })
    await writeFile(join(data_directory, 'password'), 'of the first attempt')
    const { url } = await start({ data_directory })
    expect(await ask(url, 'select 1')).toEqual([1])
  })

  it('finds another place when its account may not enter the folder', async () => {
    const closed = join(folder, 'closed')
    await mkdir(closed, { mode: 0o700 })
    const lines: string[] = []
    const data_directory = join(closed, 'postgres')
    const { url } = await start({ data_directory, log: line => void lines.push(line) })
    expect(await ask(url, 'select 1')).toEqual([1])
    const [directory] = await ask(url, 'show data_directory')
    if (process.getuid?.() !== 0) {
      expect(directory).toBe(join(data_directory, 'cluster'))
      return
    }
    expect(lines.join('\n')).toContain(`the data are in ${dirname(String(directory))}`)
    await Promise.all(started.splice(0).map(postgres => postgres.stop()))
    await rm(dirname(dirname(String(directory))), { recursive: true })
  })

  it('ends when its parent is killed, and starts at once afterwards', async () => {
    const options = JSON.stringify({ data_directory: join(folder, 'postgres'), settings: hasty })
    const program = `
      const { startPostgres } = await import(${JSON.stringify(MODULE)})
      console.log((await startPostgres(${options})).url)
      setInterval(() => undefined, 1000)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: parent.stdout })
    const [url] = (await once(lines, 'line')) as [string]
    await ask(url, 'create table kept as select 42 as answer')
    const witness = new pg.Client({ connectionString: url })
    await witness.connect()
    const gone = new Promise<void>(resolve => witness.once('end', resolve))
    const farewells: Error[] = []
    witness.on('error', error => void farewells.push(error))
    parent.kill('SIGKILL')
    await gone
    expect(farewells.map(String)).toEqual(
      expect.arrayContaining([expect.stringContaining('due to administrator command')]),
    )
    expect(await ask((await start()).url, 'select answer from kept')).toEqual([42])
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
