import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { freePorts } from '../../../../gateway/local/stack/ports.ts'

export interface RunningRedis {
  readonly port: number
  stop(): Promise<void>
}

/** A Redis of this test's own, without files. Throws naming the package when there is none. */
export async function startRedis(port?: number): Promise<RunningRedis> {
  const [free = 0] = port === undefined ? await freePorts(1) : [port]
  const settings = [
    '--port',
    String(free),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
  ]
  const redis = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' })
  const ended = new Promise<never>((_, reject) => {
    redis.once('error', cause => {
      const text = 'these tests need redis-server: install the package redis-server'
      reject(new Error(text, { cause }))
    })
    redis.once('exit', code => reject(new Error(`redis-server ended with ${String(code)}`)))
  })
  const ready = new Promise<void>(resolve => {
    createInterface({ input: redis.stdout }).on('line', line => {
      if (line.includes('Ready to accept connections')) resolve()
    })
  })
  await Promise.race([ready, ended])
  ended.catch(() => undefined) // from now on it ends when it is told to
  return {
    port: free,
    async stop() {
      const exited = once(redis, 'exit')
      redis.kill('SIGTERM')
      await exited
    },
  }
}
