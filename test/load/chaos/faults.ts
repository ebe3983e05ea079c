import { rm } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { Child } from '../../../gateway/local/stack/child.ts'
import type { LocalSystem } from '../local-system.ts'
import type { PartName } from '../parts.ts'
import { root } from '../parts.ts'
import type { FaultyRelay } from './faulty-relay.ts'

export interface Fault {
  readonly name: string
  /** While it lasts no tool may run for a request that is sent then: nobody can judge or run it. */
  readonly stops_tools: boolean
  /** Milliseconds for which it goes unnoticed; it lasts so much longer. */
  readonly bridged?: number
  apply(): Promise<void>
  /** What Kong or an operator would do. */
  restore(): Promise<void>
}

/** Milliseconds: a connection is trusted for five seconds after it was read (stale_connection_grace). */
const grace = 5_000
/** Milliseconds that each packet to and from PostgreSQL takes when it is slow. */
const slow = 400
/** Milliseconds between two deaths of the plugin server. */
const lifetime = 300

/** What stands before PostgreSQL. */
export interface Relays {
  readonly plugin: FaultyRelay
  readonly mcp_server: FaultyRelay
}

/** Everything that is made to fail, one after the other. */
export function faultsOf(system: LocalSystem<Child>, database: Relays): readonly Fault[] {
  const signal = (name: PartName, wanted: NodeJS.Signals) => {
    const { pid } = system.part(name)
    if (pid === undefined) throw new Error(`${name} has no process`)
    // Each part leads a group of its own: its workers are meant too.
    process.kill(-pid, wanted)
  }
  const kill = async (name: PartName) => {
    signal(name, 'SIGKILL')
    await system.part(name).ended
  }
  const plugin = 'plugin-server'
  const replace = async (directory?: string) => {
    await kill(plugin)
    await system.start(plugin, directory === undefined ? [] : ['--plugins-directory', directory])
  }
  const fixture = (name: string, directory: string): Fault => ({
    name,
    stops_tools: true,
    apply: () => replace(root(`test/load/chaos/plugins/${directory}`)),
    restore: () => replace(),
  })
  let flapping = Promise.resolve()
  let flap = new AbortController()

  return [
    {
      name: 'plugin server: kill -9',
      stops_tools: true,
      apply: () => kill(plugin),
      restore: () => system.start(plugin),
    },
    {
      name: 'plugin server: killed again and again',
      stops_tools: false,
      apply() {
        const { signal } = (flap = new AbortController())
        flapping = (async () => {
          while (!signal.aborted) {
            await replace()
            await pause(lifetime)
          }
        })()
        // Restoring waits for it; until then a failure is only remembered.
        flapping.catch(() => undefined)
        return Promise.resolve()
      },
      async restore() {
        flap.abort()
        await flapping
      },
    },
    {
      name: 'plugin server: SIGSTOP, SIGCONT',
      stops_tools: true,
      apply: () => Promise.resolve(signal(plugin, 'SIGSTOP')),
      restore: () => Promise.resolve(signal(plugin, 'SIGCONT')),
    },
    {
      name: 'plugin server: socket unlinked',
      // Connections that are open already go on.
      stops_tools: false,
      apply: () => rm(system.socket),
      restore: () => replace(),
    },
    fixture('plugin: throws in every way', 'throws'),
    fixture('plugin: looks at nothing', 'passes'),
    fixture('plugin: does not start', 'refuses-to-start'),
    {
      name: 'PostgreSQL: slow for the plugin',
      stops_tools: false,
      bridged: grace,
      apply: () => Promise.resolve(database.plugin.delay(slow)),
      restore: () => Promise.resolve(database.plugin.delay(0)),
    },
    {
      name: 'PostgreSQL: silent for the plugin',
      stops_tools: false,
      bridged: grace,
      apply: () => Promise.resolve(database.plugin.hold(true)),
      restore: () => Promise.resolve(database.plugin.hold(false)),
    },
    {
      name: 'PostgreSQL: reset and refused for the plugin',
      stops_tools: false,
      bridged: grace,
      apply: () => database.plugin.reset(),
      restore: () => database.plugin.restore(),
    },
    {
      name: 'PostgreSQL: slow for the MCP server',
      stops_tools: false,
      apply: () => Promise.resolve(database.mcp_server.delay(slow)),
      restore: () => Promise.resolve(database.mcp_server.delay(0)),
    },
    {
      name: 'PostgreSQL: stopped',
      stops_tools: false,
      bridged: grace,
      async apply() {
        await system.stopDatabase()
        await Promise.all([database.plugin.reset(), database.mcp_server.reset()])
      },
      // It is let alone until it has started.
      async restore() {
        await system.startDatabase()
        await Promise.all([database.plugin.restore(), database.mcp_server.restore()])
      },
    },
    {
      name: 'mcp-server: kill -9',
      stops_tools: true,
      apply: () => kill('mcp-server'),
      restore: () => system.start('mcp-server'),
    },
  ]
}
