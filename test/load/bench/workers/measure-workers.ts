import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Child } from '../../../../gateway/local/stack/child.ts'
import type { Parts } from '../../../../gateway/local/stack/parts.ts'
import { signInAs } from '../../access-token.ts'
import { childrenOf } from '../../kill.ts'
import type { LocalSystem } from '../../local-system.ts'
import { runLoad } from '../load.ts'
import { protobufPlayer } from '../protobuf-player.ts'
import { pluginConfig } from '../resource.ts'
import { inTurn, type Leg } from '../rounds.ts'
import { type ServerProcess, startInstance, startOurs } from '../server-process.ts'
import type { Subject } from '../subject.ts'
import type { Section } from '../write-up/section.ts'
import { CannotHold, openProcessorShare, type ProcessorShare } from './processor-share.ts'
import { freeSection, heldSection, type WorkerRun, type WorkersFound } from './section.ts'

export interface WorkerOptions {
  readonly rounds: number
  /** Milliseconds of a run. */
  readonly duration: number
  readonly report: (line: string) => void
  readonly cleanup: Pick<Parts, 'add'>
}

const workers = [1, 2, 4] as const
const connections = 16
/** Of a processor, for each worker: of four a good half of one, which leaves enough for the load. */
const share = 0.15

/** What more workers bring: held to a share of a processor each, and as they are where there are processors. */
export async function measureWorkers(
  system: LocalSystem<Child>,
  options: WorkerOptions,
): Promise<readonly Section[]> {
  const { access_token } = await signInAs(system.url, 'alice@acme.example')
  const config = await pluginConfig(system, 'mcp')
  const servers: ServerProcess[] = []
  const subjects: Subject[] = []
  try {
    for (const count of workers) {
      options.report(`starting ${count} of ${workers.join(', ')} workers`)
      const server = await startOurs(join(system.folder, `workers-${count}.sock`), count)
      servers.push(server)
      const id = await startInstance(server, 'mcp-oidc', config)
      subjects.push({ server, player: protobufPlayer(id, () => `Bearer ${access_token}`) })
    }
    const free = await measureFree(subjects, options)
    const held = await measureHeld(subjects, options)
    return [
      heldSection(share, { workers, runs: held }),
      freeSection(availableParallelism(), { workers, runs: free }),
    ]
  } finally {
    for (const server of servers) await server.stop()
  }
}

async function measureFree(
  subjects: readonly Subject[],
  options: WorkerOptions,
): Promise<WorkersFound['runs']> {
  const [processors, wanted] = [availableParallelism(), Math.max(...workers) + 1]
  await runLegs(subjects, 1, { ...options, report: () => undefined }) // the first run of a process is slow
  if (processors < wanted)
    return {
      not_measured: `it takes ${wanted} processors, one of them for the load, and there are ${processors}`,
    }
  return runLegs(subjects, options.rounds, options)
}

async function measureHeld(
  subjects: readonly Subject[],
  options: WorkerOptions,
): Promise<WorkersFound['runs']> {
  const shares: ProcessorShare[] = []
  const release = async () => {
    for (let held = shares.pop(); held; held = shares.pop()) await held.remove()
  }
  options.cleanup.add('control groups', release)
  try {
    for (const { server } of subjects)
      for (const pid of await childrenOf(server.pid)) {
        const held = await openProcessorShare({ name: `mcp-oidc-bench-${pid}`, share })
        shares.push(held)
        await held.hold(pid)
      }
    const expected = workers.reduce((sum, count) => sum + count, 0)
    if (shares.length !== expected)
      throw new CannotHold(
        `${shares.length} processes were found in the place of ${expected} workers`,
      )
    await runLegs(subjects, 1, { ...options, report: () => undefined })
    return await runLegs(subjects, options.rounds, options)
  } catch (error) {
    if (!(error instanceof CannotHold)) throw error
    return { not_measured: error.message }
  } finally {
    await release()
  }
}

function runLegs(
  subjects: readonly Subject[],
  rounds: number,
  { duration, report }: WorkerOptions,
): Promise<readonly (readonly WorkerRun[])[]> {
  const legs = subjects.map(({ player, server }, index): Leg<WorkerRun> => ({
    name: `workers: ${workers[index]}`,
    run: async () => {
      const [before, load_before] = [await server.cpu(), process.cpuUsage()]
      const reached = await runLoad({ socket: server.socket, connections, duration, player })
      const { user, system } = process.cpuUsage(load_before)
      const milliseconds = reached.seconds * 1000
      return {
        requests_per_second: reached.requests / reached.seconds,
        busy: ((await server.cpu()) - before) / milliseconds,
        load: (user + system) / 1000 / milliseconds,
      }
    },
  }))
  return inTurn(legs, rounds, report)
}
