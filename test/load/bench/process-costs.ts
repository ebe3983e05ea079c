import { join } from 'node:path'
import type { Child } from '../../../gateway/local/stack/child.ts'
import { signInAs } from '../access-token.ts'
import type { LocalSystem } from '../local-system.ts'
import { runLoad } from './load.ts'
import { protobufPlayer } from './protobuf-player.ts'
import { freshTokens, pluginConfig } from './resource.ts'
import { inTurn, type Leg, median } from './rounds.ts'
import { atMost, type Section } from './section.ts'
import { type ServerProcess, startInstance, startOurs } from './server-process.ts'

export interface CostOptions {
  readonly rounds: number
  /** Requests after which memory is looked at again. */
  readonly requests: number
  /** Milliseconds of a run. */
  readonly duration: number
  readonly report: (line: string) => void
}

const connections = 16
const mega = (bytes: number) => (bytes / 1_000_000).toFixed(0)

/** Cold start, memory, and what more workers bring. */
export async function measureCosts(
  system: LocalSystem<Child>,
  { duration, report, requests, rounds }: CostOptions,
): Promise<readonly Section[]> {
  const { access_token } = await signInAs(system.url, 'alice@acme.example')
  const config = await pluginConfig(system, 'mcp')
  const starts: number[] = []
  const firsts: number[] = []
  const open = async (name: string, workers: number, header: () => string) => {
    const began = performance.now()
    const server = await startOurs(join(system.folder, `${name}.sock`), workers)
    starts.push(performance.now() - began)
    const id = await startInstance(server, 'mcp-oidc', config)
    return { server, player: protobufPlayer(id, header) }
  }
  const warm = () => `Bearer ${access_token}`
  const load = (server: ServerProcess, player: ReturnType<typeof protobufPlayer>, ms: number) =>
    runLoad({ socket: server.socket, connections, duration: ms, player })

  for (let round = 1; round <= rounds; round += 1) {
    report(`round ${round} of ${rounds}: cold start`)
    const { player, server } = await open('start', 1, warm)
    const began = performance.now()
    await runLoad({ socket: server.socket, connections: 1, duration: 1, player })
    firsts.push(performance.now() - began)
    await server.stop()
  }

  report('memory')
  const cached = 10_000
  const tokens = await freshTokens(system, access_token, cached + connections)
  let used = 0
  const { player, server } = await open('memory', 1, () => {
    const token = tokens[used % tokens.length] ?? ''
    used += 1
    return `Bearer ${token}`
  })
  const memory: [string, number][] = [['idle', await server.resident()]]
  while (used < cached) await load(server, player, 1_000)
  memory.push([`${cached} verified tokens in the cache`, await server.resident()])
  const upTo = async (count: number) => {
    while (used < count) {
      await load(server, player, 10_000)
      report(`memory: ${Math.min(used, count)} of ${count} requests`)
    }
  }
  await upTo(requests / 10)
  const early = await server.resident()
  memory.push([`${requests / 10} requests`, early])
  await upTo(requests)
  const late = await server.resident()
  memory.push([`${requests} requests`, late])
  await server.stop()

  const one = await open('one', 1, warm)
  const two = await open('two', 2, warm)
  const leg = (name: string, { player: play, server: of }: typeof one): Leg<number> => ({
    name,
    run: async () => {
      const before = await of.cpu()
      const reached = await load(of, play, duration)
      busy.set(name, ((await of.cpu()) - before) / (reached.seconds * 1000))
      return reached.requests / reached.seconds
    },
  })
  const busy = new Map<string, number>()
  const legs = [leg('1 worker', one), leg('2 workers', two)]
  await inTurn(legs, 1, () => undefined)
  const speeds = await inTurn(legs, rounds, report)
  await one.server.stop()
  await two.server.stop()
  return [
    {
      title: 'Start and memory of the plugin server',
      how: 'One worker and its primary, resident memory of both, without a forced collection.',
      rows: [
        ['what', 'figure'],
        ['start until it listens', `${median(starts.slice(0, rounds)).toFixed(0)} ms`],
        ['first request of a new plugin server', `${median(firsts).toFixed(0)} ms`],
        ...memory.map(([what, bytes]) => [`memory: ${what}`, `${mega(bytes)} MB`]),
      ],
      goals: [
        atMost(`memory after ${requests} requests, of that after a tenth`, 1.1, late / early),
      ],
      unmeasured: [],
    },
    {
      title: 'Workers',
      how: 'Warm validation with one and two workers. Busy: processors that the plugin server kept busy.',
      rows: [
        ['workers', 'requests/s', 'busy'],
        ...legs.map(({ name }, index) => [
          name,
          Math.round(median(speeds[index] ?? [])),
          (busy.get(name) ?? NaN).toFixed(2),
        ]),
      ],
      goals: [],
      unmeasured: [
        'Whether two workers reach 1.7 times one: the load generator runs on the same two processors and is the limit. ' +
          'Run this section on a machine with four or more.',
      ],
    },
  ]
}
