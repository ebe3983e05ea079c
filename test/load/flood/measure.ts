import { type SignedIn, signInAs } from '../access-token.ts'
import { type Flood, floodAs } from './flood-as.ts'
import { callSteadily, type Steady, type SteadyOptions } from './steady-calls.ts'

export interface MeasureOptions {
  readonly url: string
  readonly rounds: number
  /** How long each half of a round lasts. */
  readonly seconds: number
  /** Of the flood: requests a second, and connections. */
  readonly rate: number
  readonly connections: number
  readonly together: boolean
  readonly signal: AbortSignal
  readonly report: (line: string) => void
}

export interface Measured {
  readonly quiet: Steady
  readonly flooded: Steady
  readonly floods: readonly Flood[]
}

/** Below the 600 a minute that each of the two may do. */
const steady_rate = 18
/** Seconds of a flood that is not counted: the first thousand requests of a process are slow. */
const warm_up = 10

/** Quiet and flood in turn, so that whatever else this computer does meets both alike. */
export async function measure(options: MeasureOptions): Promise<Measured> {
  const { connections, rate, report, rounds, seconds, signal, together, url } = options
  const flooder = await signInAs(url, 'alice@acme.example')
  const people: readonly SignedIn[] = [
    await signInAs(url, 'carol@globex.example'),
    await signInAs(url, 'erin@acme.example', 'globex'),
  ]
  const address = await neighbour(url, flooder)
  const steady = { url, people, address, rate: steady_rate, signal } satisfies Omit<
    SteadyOptions,
    'duration'
  >
  const flood = { url, person: flooder, connections, rate, together }
  report('warm-up: flood')
  await Promise.all([
    callSteadily({ ...steady, duration: warm_up * 1000 }),
    floodAs({ ...flood, seconds: warm_up }),
  ])
  const duration = seconds * 1000
  const quiet: Steady[] = []
  const flooded: Steady[] = []
  const floods: Flood[] = []
  for (let round = 1; round <= rounds; round += 1) {
    report(`round ${round} of ${rounds}: quiet`)
    quiet.push(await callSteadily({ ...steady, duration }))
    report(`round ${round} of ${rounds}: flood`)
    const [during, answered] = await Promise.all([
      callSteadily({ ...steady, duration }),
      floodAs({ ...flood, seconds }),
    ])
    flooded.push(during)
    floods.push(answered)
  }
  return { quiet: join(quiet), flooded: join(flooded), floods }
}

/** An address on this computer that is not the flooder's. Linux has all of 127/8, others one. */
async function neighbour(url: string, somebody: SignedIn): Promise<string> {
  const address = '127.0.0.2'
  const { failures } = await callSteadily({
    ...{ url, people: [somebody], address, rate: 1, duration: 1 },
    signal: AbortSignal.timeout(10_000),
  })
  const [failure] = failures
  if (failure === undefined) return address
  throw new Error(
    `calls from ${address} do not work here (${failure}). On macOS: sudo ifconfig lo0 alias ${address}`,
  )
}

function join(all: readonly Steady[]): Steady {
  return {
    durations: all.flatMap(({ durations }) => durations),
    failures: all.flatMap(({ failures }) => failures),
  }
}
