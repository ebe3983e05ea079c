import { join } from 'node:path'
import type { Child } from '../../../gateway/local/stack/child.ts'
import { connectStockServer } from '../../contract/kong-pdk-kong.ts'
import { signInAs } from '../access-token.ts'
import type { LocalSystem } from '../local-system.ts'
import { root } from '../parts.ts'
import { measureHalfLoad } from './half-load.ts'
import { type Reached, runLoad } from './load.ts'
import { msgpackPlayer } from './msgpack-player.ts'
import { protobufPlayer } from './protobuf-player.ts'
import { freshTokens, pluginConfig } from './resource.ts'
import { inTurn, type Leg, median, ratioOf } from './rounds.ts'
import { atLeast, figure, type Section } from './write-up/section.ts'
import { type ServerProcess, startInstance, startOurs, startStock } from './server-process.ts'
import type { Subject } from './subject.ts'

export interface FloorOptions {
  readonly rounds: number
  /** Milliseconds of each run. */
  readonly duration: number
  readonly report: (line: string) => void
}

const connections = 16
const noop_header = `Bearer ${'x'.repeat(700)}`

interface Run {
  readonly reached: Reached
  /** Microseconds of processor time for a request, in the plugin server. */
  readonly cpu: number
}

/** Runs the subjects in turn, and compares them. */
export async function measureFloors(
  system: LocalSystem<Child>,
  { duration, report, rounds }: FloorOptions,
): Promise<readonly Section[]> {
  const { access_token } = await signInAs(system.url, 'alice@acme.example')
  const config = await pluginConfig(system, 'mcp')
  const socket = (name: string) => join(system.folder, `${name}.sock`)
  const noop = root('test/load/bench/plugins')
  const servers: ServerProcess[] = []
  const ours = async (name: string, workers: number, plugins?: string) => {
    const server = await startOurs(socket(name), workers, plugins)
    servers.push(server)
    return server
  }
  try {
    const noopOf = async (name: string, workers: number): Promise<Subject> => {
      const server = await ours(name, workers, noop)
      const id = await startInstance(server, 'noop', {})
      return { server, player: protobufPlayer(id, () => noop_header) }
    }
    const realOf = async (name: string, workers: number, header: () => string) => {
      const server = await ours(name, workers)
      const id = await startInstance(server, 'mcp-oidc', config)
      return { server, player: protobufPlayer(id, header) }
    }
    const floor = await noopOf('noop', 1)
    const warm = await realOf('warm', 1, () => `Bearer ${access_token}`)
    const stock_server = await startStock(socket('stock'), root('test/load/bench/kong-pdk-plugins'))
    servers.push(stock_server)
    const client = await connectStockServer(socket('stock'))
    const stock_id = await client.startInstance('noop', {})
    const stock = { server: stock_server, player: msgpackPlayer(stock_id, () => noop_header) }
    let fresh: readonly string[] = []
    let used = 0
    const cold = await realOf('cold', 1, () => {
      const token = fresh[used]
      used += 1
      if (token === undefined) throw new Error('there are no more fresh tokens')
      return `Bearer ${token}`
    })

    const leg = (name: string, { player, server }: Subject, ms = duration): Leg<Run> => ({
      name,
      run: async () => {
        const before = await server.cpu()
        const reached = await runLoad({ socket: server.socket, connections, duration: ms, player })
        const cpu = ((await server.cpu()) - before) * (1000 / reached.requests)
        return { reached, cpu }
      },
    })
    const cold_leg = leg('real validation, caches cold', cold, duration / 4)
    const legs = [
      leg('no-op, kong-pdk', stock),
      leg('no-op, ours', floor),
      leg('real validation, caches warm', warm),
      {
        ...cold_leg,
        run: async () => {
          fresh = await freshTokens(
            system,
            access_token,
            Math.ceil((duration / 4) * 6) + connections,
          )
          used = 0
          return cold_leg.run()
        },
      },
    ]
    await inTurn(legs, 1, () => undefined) // the first run of a process is slow
    const results = await inTurn(legs, rounds, report)
    const speed = results.map(runs => runs.map(({ reached }) => reached.requests / reached.seconds))
    const [stock_speed = [], floor_speed = [], warm_speed = []] = speed
    const throughput: Section = {
      title: 'Validation beside the floor of the protocol',
      how:
        'One worker, 16 connections that are never idle, no Kong: the load plays Kong over the plugin protocol. ' +
        'The no-op plugin makes the two PDK calls of an authenticated request and looks at nothing. Cold: a token ' +
        'that was never seen, so its signature is verified and an assertion signed on every request.',
      rows: [
        ['plugin', 'requests/s', 'of our floor', 'processor µs'],
        ...legs.map(({ name }, index) => [
          name,
          Math.round(median(speed[index] ?? [])),
          ratioOf(speed[index] ?? [], floor_speed).toFixed(2),
          figure(median((results[index] ?? []).map(({ cpu }) => cpu)), 0),
        ]),
      ],
      goals: [
        atLeast('real validation, warm, of our floor', 0.9, ratioOf(warm_speed, floor_speed)),
        atLeast("our floor, of kong-pdk's", 1.4, ratioOf(floor_speed, stock_speed)),
      ],
      unmeasured: [],
      plots: [
        {
          name: 'floor',
          title: 'Through one worker, 16 connections that are never idle',
          unit: 'requests/s',
          bars: legs.map(({ name }, index) => {
            const value = Math.round(median(speed[index] ?? []))
            return { label: name, value, text: String(value) }
          }),
        },
      ],
    }

    const rate = Math.round(median(floor_speed) / 2)
    const half_load = await measureHalfLoad({
      ...{ floor, warm, rate, connections, rounds, duration, report },
    })
    return [throughput, half_load]
  } finally {
    for (const server of servers) await server.stop()
  }
}
