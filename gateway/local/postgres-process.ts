import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { clusterOf } from './postgres-cluster.ts'
import type { PostgresHome } from './postgres-home.ts'

export interface Launch {
  readonly port: number
  readonly settings: Readonly<Record<string, string>>
  readonly log: (line: string) => void
}

export type Start =
  | { readonly outcome: 'ready'; readonly pid: number | undefined; stop(): Promise<void> }
  | { readonly outcome: 'port_taken' | 'in_use' | 'failed'; readonly reason: string }

/**
 * Becomes PostgreSQL, leaving a watcher behind that holds our end of a pipe: when the pipe closes,
 * because we close it or because we are dead, the watcher tells PostgreSQL to shut down (SIGINT, a
 * "fast" shutdown). `$$` stays the same across exec.
 */
const WATCHED = `
exec 3<&0
{ cat <&3; kill -INT $$; } >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null`

/** A fast shutdown that takes longer than this, milliseconds, becomes an immediate one. */
const SHUTDOWN = 10_000

/** Starts the server on a cluster, and resolves when it takes connections or has given up. */
export async function spawnPostgres(home: PostgresHome, launch: Launch): Promise<Start> {
  await removeStalePid(home)
  const postmaster = spawn(
    '/bin/sh',
    ['-c', WATCHED, 'sh', join(home.programs, 'postgres'), ...flags(home, launch)],
    {
      ...home.account,
      cwd: '/',
      env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'pipe'],
      // A process group of its own: Ctrl-C is for us, and we decide what stops when.
      detached: true,
    },
  )
  const exited = new Promise<void>((resolve, reject) => {
    postmaster.once('exit', () => {
      postmaster.stdin.destroy()
      resolve()
    })
    postmaster.once('error', reject)
  })
  postmaster.stdin.on('error', () => undefined) // it may be gone before we are done with it
  const verdict = await Promise.race([firstVerdict(postmaster, launch.log), exited])
  if (verdict === 'ready')
    return { outcome: 'ready', pid: postmaster.pid, stop: () => stop(postmaster, exited) }
  await exited
  return verdict ?? { outcome: 'failed', reason: 'it ended without a word' }
}

function flags(home: PostgresHome, { port, settings }: Launch): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    log_line_prefix: '',
    ...settings,
  }
  const set = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return ['-D', clusterOf(home), ...set]
}

/** Reads the log until it says how the start went; every line goes to `log` then and later. */
function firstVerdict(postmaster: ChildProcess, log: Launch['log']) {
  return new Promise<'ready' | Exclude<Start, { outcome: 'ready' }>>(resolve => {
    if (postmaster.stderr === null) throw new Error('PostgreSQL was spawned without its log')
    let port_taken = false
    const lines = createInterface({ input: postmaster.stderr })
    lines.on('line', line => {
      log(line)
      if (line.includes('ready to accept connections')) resolve('ready')
      port_taken ||= line.includes('Address already in use')
      // What a client is told that came too early; the start goes on.
      if (/the database system is (starting up|not yet accepting|in recovery)/.test(line)) return
      if (!/^(postgres: )?(FATAL|could not|.*error while loading)/.test(line)) return
      const reason = line.replace(/^FATAL: */, '')
      if (port_taken) resolve({ outcome: 'port_taken', reason })
      else if (/lock file ".*" already exists|shared memory block/.test(line))
        resolve({ outcome: 'in_use', reason })
      else resolve({ outcome: 'failed', reason })
    })
    lines.on('close', () => resolve({ outcome: 'failed', reason: 'it ended without a reason' }))
  })
}

async function stop(postmaster: ChildProcess, exited: Promise<void>): Promise<void> {
  postmaster.stdin?.end()
  const impatience = setTimeout(() => postmaster.kill('SIGQUIT'), SHUTDOWN)
  await exited
  clearTimeout(impatience)
}

/**
 * PostgreSQL takes over the lock file of a dead process, but not when its number now belongs to
 * another process of the same account, as happens in containers. Such a process is not ours when
 * its command line does not name the cluster.
 */
async function removeStalePid(home: PostgresHome): Promise<void> {
  const file = join(clusterOf(home), 'postmaster.pid')
  if (!existsSync(file) || !existsSync('/proc/self/cmdline')) return
  const [pid = ''] = (await readFile(file, 'utf8')).split('\n')
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (!command.includes(clusterOf(home))) await rm(file, { force: true })
}
