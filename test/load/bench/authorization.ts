import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { Child } from '../../../gateway/local/stack/child.ts'
import { connect, token, type Tokens } from '../../support/authorization-server.ts'
import type { LocalSystem } from '../local-system.ts'
import { percentile } from '../table.ts'
import { askPluginServer } from './ask-plugin-server.ts'
import { openPartCosts, type PartCosts } from './part-costs.ts'
import { measureProviderFloor } from './provider-floor.ts'
import { pluginConfig } from './resource.ts'
import { atLeast, figure, type Section } from './write-up/section.ts'
import { startInstance } from './server-process.ts'

export interface AuthorizationOptions {
  readonly sign_ins: number
  readonly refreshes: number
  readonly report: (line: string) => void
}

const at_once = 16
const sign_ins_at_once = 4

/** What answers at `/token`. */
type Ask = (grant: Readonly<Record<string, string>>) => ReturnType<typeof token>

/** Sign-in flows and refreshes, PostgreSQL durable as it is by default. */
export async function measureAuthorization(
  system: LocalSystem<Child>,
  { refreshes, report, sign_ins }: AuthorizationOptions,
): Promise<readonly Section[]> {
  const { url } = system
  const costs = await openPartCosts(system)
  const tokens: Tokens[] = []
  const clients: string[] = []
  const signInOnce = async () => {
    const { redemption } = await connect(url, 'alice@acme.example')
    const { body, status } = await token(url, redemption)
    if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(body)}`)
    tokens.push(body)
    clients.push(redemption.client_id)
  }
  const refreshWith = async (ask: Ask, index: number) => {
    const { refresh_token = '' } = tokens[index] ?? {}
    const grant = { grant_type: 'refresh_token', refresh_token, client_id: clients[index] ?? '' }
    const { body, status } = await ask(grant)
    if (status !== 200) throw new Error(`no refresh: ${status} ${JSON.stringify(body)}`)
    tokens[index] = body
  }
  // Each works on a connection of its own: refreshes of one take turns.
  const refreshAt = (ask: Ask) => (worker: number) => refreshWith(ask, worker)
  // Each takes connections of its own in turn, all of them together every one there is.
  const refreshAllAt = (ask: Ask) => {
    const next = Array.from({ length: at_once }, (_, worker) => worker)
    return async (worker: number) => {
      const index = next[worker] ?? worker
      next[worker] = index + at_once < tokens.length ? index + at_once : worker
      await refreshWith(ask, index)
    }
  }
  const measure = async (
    name: string,
    count: number,
    workers: number,
    work: (worker: number) => Promise<void>,
  ): Promise<Measured> => {
    report(`${name}: ${count}, ${workers} at once`)
    await timed(Math.ceil(count / 5), workers, work) // what is slow at first is not counted
    const before = await costs.read()
    const found = await timed(count, workers, work)
    return {
      name: `${name}, ${workers} at once`,
      ...found,
      costs: await costs.since(before, count),
    }
  }
  const signed_in = await measure('sign-in', sign_ins, sign_ins_at_once, signInOnce)
  while (tokens.length < at_once) await signInOnce()
  const through_gateway = await measure(
    'refresh through the local gateway',
    refreshes,
    at_once,
    refreshAt(grant => token(url, grant)),
  )
  const ask = await atPluginServer(system)
  const direct = await measure('refresh at the plugin server', refreshes, at_once, refreshAt(ask))
  const many = await measure(
    `refresh at the plugin server, ${tokens.length} connections in turn`,
    refreshes,
    at_once,
    refreshAllAt(ask),
  )
  report('oidc-provider alone')
  const floor = await measureProviderFloor(Math.max(refreshes, 2_000))
  const all = [signed_in, through_gateway, direct, many]
  return [
    {
      title: 'Sign-ins and refreshes',
      how:
        `Development identity provider, PostgreSQL and the load on the same processors, and every write waits for ` +
        `the disk. A sign-in goes through the local gateway: registration, authorization, provider choice, password ` +
        `page, consent and redemption. A refresh rotates the token; the identity provider was asked within the ` +
        `last minute, so it is not asked again. At the plugin server: the load plays Kong over the plugin ` +
        `protocol, and nothing else is on the path; each of those at once has a connection of its own, or takes its ` +
        `share of all that signed in, in turn.`,
      rows: [
        ['work', 'per second', 'p50 ms', 'p99 ms'],
        ...all.map(({ name, per_second, durations }) => [
          name,
          per_second.toFixed(1),
          ...[0.5, 0.99].map(share => percentile(durations, share).toFixed(1)),
        ]),
      ],
      goals: [
        atLeast('refreshes per second at the plugin server', 900, direct.per_second),
        atLeast('sign-ins per second, everything on these processors', 50, signed_in.per_second),
      ],
      unmeasured: [],
      plots: [
        {
          name: 'authorization',
          title: 'Sign-ins and refreshes, everything on these processors',
          unit: 'per second',
          bars: all.map(({ name, per_second }) => {
            const text = per_second.toFixed(1)
            return { label: name, value: Number(text), text }
          }),
          goal: { text: '900 refreshes at the plugin server', value: 900 },
        },
      ],
    },
    costSection(all, floor),
  ]
}

/** What each costs, apart from how fast it goes: the load and the stand-ins are no part of the product. */
function costSection(all: readonly Measured[], floor: number): Section {
  const processors = availableParallelism()
  const ours = ({ costs }: Measured) => costs.plugin_server + costs.postgres
  return {
    title: 'Processor time of a sign-in and of a refresh',
    how:
      `Milliseconds of processor time, by process, in the runs above. Ours: plugin server and PostgreSQL; the local ` +
      `gateway stands in for nginx, and the development identity provider for the company's. The last column ` +
      `is no measurement of speed: it is how many the ${processors} processors would do if they did nothing else than ours. ` +
      `oidc-provider alone: a refresh of its own, rotation and signature included, with a map for its storage.`,
    rows: [
      [
        'work',
        ...['plugin server', 'PostgreSQL', 'local gateway', 'identity provider', 'load'],
        ...['ours', 'ours per second'],
      ],
      ...all.map(measured => {
        const { plugin_server, postgres, gateway, identity_provider, load } = measured.costs
        return [
          measured.name,
          ...[plugin_server, postgres, gateway, identity_provider, load].map(cost =>
            figure(cost, 2),
          ),
          figure(ours(measured), 2),
          figure((processors * 1000) / ours(measured), 0),
        ]
      }),
      ['refresh by oidc-provider alone', floor.toFixed(2), ...Array<string>(6).fill('')],
    ],
    goals: [],
    unmeasured: [],
  }
}

async function atPluginServer(system: LocalSystem<Child>): Promise<Ask> {
  const { socket, url } = system
  const instance_id = await startInstance(system, 'mcp-oidc', await pluginConfig(system, 'oauth'))
  const headers = {
    host: new URL(url).host,
    'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
  }
  return async grant => {
    const { status, body } = await askPluginServer(socket, instance_id, {
      ...{ method: 'POST', url: '/token', headers },
      body: Buffer.from(new URLSearchParams(grant).toString()),
    })
    return { status, body: JSON.parse(body.toString()) as Tokens }
  }
}

interface Timed {
  readonly per_second: number
  /** Milliseconds. */
  readonly durations: readonly number[]
}

interface Measured extends Timed {
  readonly name: string
  readonly costs: PartCosts
}

async function timed(
  count: number,
  workers: number,
  work: (worker: number) => Promise<void>,
): Promise<Timed> {
  const durations: number[] = []
  let begun = 0
  const started = performance.now()
  const loop = async (worker: number) => {
    while (begun < count) {
      begun += 1
      const began = performance.now()
      await work(worker)
      durations.push(performance.now() - began)
    }
  }
  await Promise.all(Array.from({ length: workers }, (_, worker) => loop(worker)))
  return { per_second: (count * 1000) / (performance.now() - started), durations }
}
