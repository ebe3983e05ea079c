import { join } from 'node:path'
import type { Child } from '../../../gateway/local/stack/child.ts'
import { signInAs } from '../access-token.ts'
import type { LocalSystem } from '../local-system.ts'
import { runLoad } from './load.ts'
import { protobufPlayer } from './protobuf-player.ts'
import { freshTokens, pluginConfig } from './resource.ts'
import { median } from './rounds.ts'
import { atMost, figure, type Section } from './write-up/section.ts'
import { type ServerProcess, startInstance, startOurs } from './server-process.ts'

export interface CostOptions {
  readonly rounds: number
  /** Requests after which memory is looked at again. */
  readonly requests: number
  readonly report: (line: string) => void
}

const connections = 16
const cached = 10_000

/** Cold start and memory. */
export async function measureCosts(
  system: LocalSystem<Child>,
  { report, requests, rounds }: CostOptions,
): Promise<readonly Section[]> {
  const { access_token } = await signInAs(system.url, 'alice@acme.example')
  const config = await pluginConfig(system, 'mcp')
  const starts: number[] = []
  const firsts: number[] = []
  for (let round = 1; round <= rounds; round += 1) {
    report(`round ${round} of ${rounds}: cold start`)
    const began = performance.now()
    const server = await startOurs(join(system.folder, 'start.sock'), 1)
    try {
      starts.push(performance.now() - began)
      const id = await startInstance(server, 'mcp-oidc', config)
      const player = protobufPlayer(id, () => `Bearer ${access_token}`)
      const asked = performance.now()
      await runLoad({ socket: server.socket, connections: 1, duration: 1, player })
      firsts.push(performance.now() - asked)
    } finally {
      await server.stop()
    }
  }
  report('memory')
  const tokens = await freshTokens(system, access_token, cached + connections)
  const server = await startOurs(join(system.folder, 'memory.sock'), 1)
  try {
    const id = await startInstance(server, 'mcp-oidc', config)
    const memory = await watchMemory(server, { id, tokens, requests, report })
    return [costSection({ starts, firsts, memory })]
  } finally {
    await server.stop()
  }
}

/** Resident bytes; NaN where /proc is not there. */
interface Memory {
  readonly idle: number
  /** When so many requests had been made. */
  readonly after: readonly { readonly requests: number; readonly bytes: number }[]
}

/** Looks at the memory when every token is known, at a tenth of the requests or right then, and at the end. */
async function watchMemory(
  server: ServerProcess,
  {
    id,
    report,
    requests,
    tokens,
  }: Pick<CostOptions, 'report' | 'requests'> & {
    readonly id: number
    readonly tokens: readonly string[]
  },
): Promise<Memory> {
  let used = 0
  const player = protobufPlayer(id, () => {
    const token = tokens[used % tokens.length] ?? ''
    used += 1
    return `Bearer ${token}`
  })
  const idle = await server.resident()
  const after: { requests: number; bytes: number }[] = []
  let told = performance.now()
  for (const count of [tokens.length, requests / 10, requests]) {
    while (used < count) {
      await runLoad({ socket: server.socket, connections, duration: 1_000, player })
      if (performance.now() - told < 10_000) continue
      report(`memory: ${used} of ${requests} requests`)
      told = performance.now()
    }
    if (after.at(-1)?.requests !== used)
      after.push({ requests: used, bytes: await server.resident() })
  }
  return { idle, after }
}

function costSection({
  firsts,
  memory: { after, idle },
  starts,
}: {
  readonly starts: readonly number[]
  readonly firsts: readonly number[]
  readonly memory: Memory
}): Section {
  const mega = (bytes: number) => figure(bytes / 1_000_000, 0)
  const [last, before] = [after.at(-1), after.at(-2)]
  const memory = [
    { label: 'idle', bytes: idle },
    ...after.map(({ bytes, requests }, index) => ({
      label: `${requests} requests${index === 0 ? `, ${cached} verified tokens in the cache` : ''}`,
      bytes,
    })),
  ]
  const known = memory.every(({ bytes }) => Number.isFinite(bytes))
  return {
    title: 'Start and memory of the plugin server',
    how: 'One worker and its primary, resident memory of both, without a forced collection.',
    rows: [
      ['what', 'figure'],
      ['start until it listens', `${median(starts).toFixed(0)} ms`],
      ['first request of a new plugin server', `${median(firsts).toFixed(0)} ms`],
      ...(known ? memory.map(({ bytes, label }) => [`memory: ${label}`, `${mega(bytes)} MB`]) : []),
    ],
    goals:
      known && last && before
        ? [
            atMost(
              `memory after ${last.requests} requests, of that after ${before.requests}`,
              1.1,
              last.bytes / before.bytes,
            ),
          ]
        : [],
    unmeasured: known ? [] : ['Memory: this computer does not tell it in /proc.'],
    plots: known
      ? [
          {
            name: 'memory',
            title: 'Resident memory of the plugin server, one worker and its primary',
            unit: 'MB',
            bars: memory.map(({ bytes, label }) => ({ label, value: bytes, text: mega(bytes) })),
          },
        ]
      : [],
  }
}
