import { setTimeout as pause } from 'node:timers/promises'
import type { Child } from '../../../gateway/local/stack/child.ts'
import { childrenOf } from '../kill.ts'
import type { LocalSystem } from '../local-system.ts'
import type { PartName } from '../parts.ts'

/** What is killed with kill -9, and what somebody then does about it: Kong, say, or an operator. */
export interface Victim {
  readonly name: string
  kill(): Promise<void>
  restore(): Promise<void>
}

/** Milliseconds that the plugin server may take to put another worker in the place of one. */
const replacement_limit = 30_000

export function victimsOf(system: LocalSystem<Child>): readonly Victim[] {
  const pidOf = (name: PartName) => {
    const { pid } = system.part(name)
    if (pid === undefined) throw new Error(`${name} has no process`)
    return pid
  }
  const process_of = (name: PartName, called: string): Victim => ({
    name: called,
    async kill() {
      process.kill(pidOf(name), 'SIGKILL')
      await system.part(name).ended
    },
    restore: () => system.start(name),
  })
  let workers = 0
  return [
    process_of('mcp-server', 'mcp-server'),
    process_of('plugin-server', 'plugin server: primary'),
    {
      name: 'plugin server: a worker',
      async kill() {
        const pids = await childrenOf(pidOf('plugin-server'))
        const [one] = pids
        if (one === undefined) throw new Error('the plugin server has no worker')
        workers = pids.length
        process.kill(one, 'SIGKILL')
      },
      // Its primary does it.
      async restore() {
        const deadline = performance.now() + replacement_limit
        while ((await childrenOf(pidOf('plugin-server'))).length < workers) {
          if (performance.now() > deadline) throw new Error('no worker took the place of the other')
          await pause(10)
        }
      },
    },
    {
      name: 'PostgreSQL',
      kill: () => system.killDatabase(),
      restore: () => system.startDatabase(),
    },
  ]
}
