import { createServer } from 'node:net'

import { describeError } from '../describe-error.ts'
import { claimSocket } from '../socket-file.ts'
import { startWorkers } from './workers.ts'
import type { Workers, WorkersOptions } from './workers.ts'

export interface PrimaryOptions extends Omit<WorkersOptions, 'count' | 'drain_ms'> {
  /** Path of the Unix socket. A socket that a killed server left there is replaced. */
  readonly socket: string
  /** How many processes serve. */
  readonly workers: number
  readonly drain_ms?: number
}

export interface Primary extends Pick<Workers, 'metrics' | 'problems' | 'restart'> {
  /** Stops accepting, lets running events finish, and ends the workers. */
  close(): Promise<void>
}

/**
 * Accepts Kong's connections on one socket and has workers serve them. The primary itself runs no
 * plugin: whatever that does, somebody is there to see to it.
 * @throws when the socket cannot be listened on, or a worker does not come up.
 */
export async function startPrimary(options: PrimaryOptions): Promise<Primary> {
  const { socket, workers: count, log, drain_ms = 10_000 } = options
  const workers = await startWorkers({ ...options, count, drain_ms })
  const server = createServer({ pauseOnConnect: true }, connection => workers.serve(connection))
  try {
    await claimSocket(server, socket)
  } catch (error) {
    await workers.end()
    throw error
  }
  server.on('error', err =>
    log.error({ error: describeError(err) }, 'a connection could not be accepted'),
  )
  log.info({ socket, workers: count }, 'listening')

  async function close(): Promise<void> {
    // Not waited for: it is over when the workers' connections are.
    server.close()
    await workers.end()
    log.info('closed')
  }

  let closing: Promise<void> | undefined
  return {
    metrics: () => workers.metrics(),
    problems: () => workers.problems(),
    restart: () => workers.restart(),
    close: () => (closing ??= close()),
  }
}
