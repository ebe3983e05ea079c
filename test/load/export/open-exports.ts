import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { fork } from 'node:child_process'

/** A process that exports, and tells how much memory it holds. */
export interface Exports {
  /** To which a format is added. */
  readonly url: string
  /** Resident bytes after a forced collection. */
  memory(): Promise<number>
  stop(): Promise<void>
}

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export async function openExports(
  database_url: string,
  report: (line: string) => void,
): Promise<Exports> {
  const child = fork(program('serve.ts'), [], {
    env: { DATABASE_URL: database_url },
    execArgv: ['--expose-gc', '--import', program('../refusals/tell-memory.ts')],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the process that exports ended with ${String(code)}`)
  })
  ended.catch((error: unknown) => {
    if (!child.killed) report(String(error))
  })
  const heard = async (member: string) => {
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [
      Record<string, number>,
    ]
    return message[member] ?? NaN
  }
  const port = await heard('port')
  return {
    url: `http://127.0.0.1:${port}/console/audit/export?org=acme&type=tool_call`,
    memory() {
      const answer = heard('resident')
      child.send('memory')
      return answer
    },
    async stop() {
      child.kill('SIGTERM')
      await ended.catch(() => undefined)
    },
  }
}
