import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { Replicas } from './replicas.ts'
import { runCommand } from './run-command.ts'

const program = 'plugins/mcp-oidc/commands/keys/main.ts'

/** An operator with the environment of Kong in a file, as docs/keys.md has it. */
export interface Operator {
  /** `npm run keys -- …` with that file. Gives its lines of JSON. Throws when it does not exit with 0. */
  keys(...args: string[]): Promise<readonly Record<string, unknown>[]>
  /** Lets every replica have the rings of the file, one after the other. */
  roll(): Promise<void>
  readonly file: string
}

export async function createOperator(system: Replicas, folder: string): Promise<Operator> {
  const file = join(folder, 'gateway.env')
  const { signing_keys, storage_keys, cookie_keys } = system.settings
  const lines = {
    DATABASE_URL: system.database_url,
    SIGNING_KEYS: signing_keys,
    STORAGE_KEYS: storage_keys,
    COOKIE_KEYS: cookie_keys,
  }
  const text = Object.entries(lines).map(([name, value]) => `${name}=${String(value)}\n`)
  await writeFile(file, text.join(''), { mode: 0o600 })
  return {
    file,
    async keys(...args) {
      const { code, stdout, stderr } = await runCommand(program, [
        ...args,
        ...['--env', file, '--json'],
      ])
      if (code !== 0) throw new Error(`keys ${args.join(' ')} ended with ${code}: ${stderr}`)
      const printed = stdout.split('\n').filter(line => line !== '')
      return printed.map(line => JSON.parse(line) as Record<string, unknown>)
    },
    async roll() {
      const { SIGNING_KEYS, STORAGE_KEYS, COOKIE_KEYS } = parseEnv(await readFile(file, 'utf8'))
      await system.roll({
        signing_keys: SIGNING_KEYS,
        storage_keys: STORAGE_KEYS,
        cookie_keys: COOKIE_KEYS,
      })
    },
  }
}
