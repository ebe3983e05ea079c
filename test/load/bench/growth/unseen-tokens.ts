import { join } from 'node:path'
import type { Child } from '../../../../gateway/local/stack/child.ts'
import type { FilledDatabase } from '../../connections-scale/databases.ts'
import type { LocalSystem } from '../../local-system.ts'
import { pluginConfig } from '../resource.ts'
import { type ServerProcess, startInstance, startOurs } from '../server-process.ts'
import { timeTokens } from './time-tokens.ts'
import { tokensOf } from './tokens.ts'

/** Tokens of a turn. */
const turn = 50
/** Turns of each round that do not count, since an instance is slow at first. */
const warm_up = 2

/**
 * Milliseconds that the plugin server takes for a token it has never seen, of a connection it does not know,
 * by database and round. The databases take turns, and each round has instances of its own, whose caches
 * are empty.
 */
export async function measureUnseenTokens(
  system: LocalSystem<Child>,
  databases: readonly FilledDatabase[],
  { report, rounds }: { readonly rounds: number; readonly report: (line: string) => void },
): Promise<readonly (readonly number[])[][]> {
  const config = (await pluginConfig(system, 'mcp')) as object
  const servers: ServerProcess[] = []
  const found = databases.map((): number[][] => [])
  try {
    for (const { connections } of databases)
      servers.push(await startOurs(join(system.folder, `growth-${connections}.sock`), 1))
    for (let round = 1; round <= rounds; round += 1) {
      report(`round ${round} of ${rounds}: tokens that were never seen`)
      const timed = await Promise.all(
        databases.map(async (database, index) => {
          const server = servers[index]
          if (!server) throw new Error('a plugin server is missing')
          // Instances with equal settings share their caches.
          const own = { database_url: database.url, access_token_ttl: 600 + round }
          const id = await startInstance(server, 'mcp-oidc', { ...config, ...own })
          return timeTokens(server.socket, id, await tokensOf(system, database))
        }),
      )
      const turns = Math.floor(Math.min(...databases.map(({ real }) => real.length)) / turn)
      const times = databases.map((): number[] => [])
      for (let run = 0; run < turns; run += 1)
        for (const [index, tokens] of timed.entries()) {
          const took = await tokens.next(turn)
          if (run >= warm_up) times[index]?.push(...took)
        }
      for (const tokens of timed) tokens.close()
      for (const [index, each] of times.entries()) found[index]?.push(each)
    }
    return found
  } finally {
    for (const server of servers) await server.stop()
  }
}
