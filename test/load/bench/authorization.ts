import { performance } from 'node:perf_hooks'
import type { Child } from '../../../gateway/local/stack/child.ts'
import { connect, token, type Tokens } from '../../support/authorization-server.ts'
import type { LocalSystem } from '../local-system.ts'
import { percentile } from '../table.ts'
import { atLeast, type Section } from './section.ts'

export interface AuthorizationOptions {
  readonly sign_ins: number
  readonly refreshes: number
  readonly report: (line: string) => void
}

const at_once = 16
const sign_ins_at_once = 4

/** Sign-in flows and refreshes through the whole gateway, PostgreSQL durable as it is by default. */
export async function measureAuthorization(
  { url }: LocalSystem<Child>,
  { refreshes, report, sign_ins }: AuthorizationOptions,
): Promise<Section> {
  const tokens: Tokens[] = []
  const clients: string[] = []
  const signInOnce = async () => {
    const { redemption } = await connect(url, 'alice@acme.example')
    const { body, status } = await token(url, redemption)
    if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(body)}`)
    tokens.push(body)
    clients.push(redemption.client_id)
  }
  await signInOnce() // the first one of a process is slow
  report(`${sign_ins} sign-ins, ${sign_ins_at_once} at once`)
  const signed_in = await timed(sign_ins, sign_ins_at_once, signInOnce)
  report(`${refreshes} refreshes, ${at_once} at once`)
  while (tokens.length < at_once) await signInOnce()
  // Each works on a connection of its own: refreshes of one take turns.
  const refreshed = await timed(refreshes, at_once, async worker => {
    const { refresh_token = '' } = tokens[worker] ?? {}
    const grant = { grant_type: 'refresh_token', refresh_token, client_id: clients[worker] ?? '' }
    const { body, status } = await token(url, grant)
    if (status !== 200) throw new Error(`no refresh: ${status} ${JSON.stringify(body)}`)
    tokens[worker] = body
  })
  const row = (name: string, { per_second, durations }: Timed) => [
    name,
    per_second.toFixed(1),
    ...[0.5, 0.99].map(share => percentile(durations, share).toFixed(1)),
  ]
  return {
    title: 'Sign-ins and refreshes',
    how:
      `Through the local gateway, with the development identity provider, PostgreSQL and the load on the same ` +
      `processors. A sign-in is registration, authorization, provider choice, password page, consent and redemption; ` +
      `a refresh rotates the token. Every write waits for the disk.`,
    rows: [
      ['work', 'per second', 'p50 ms', 'p99 ms'],
      row(`sign-in, ${sign_ins_at_once} at once`, signed_in),
      row(`refresh, ${at_once} at once`, refreshed),
    ],
    goals: [
      atLeast('refreshes per second', 900, refreshed.per_second),
      atLeast('sign-ins per second', 50, signed_in.per_second),
    ],
    unmeasured: [],
  }
}

interface Timed {
  readonly per_second: number
  /** Milliseconds. */
  readonly durations: readonly number[]
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
