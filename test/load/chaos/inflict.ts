import { setTimeout as pause } from 'node:timers/promises'
import type { Answer } from '../tool-request.ts'
import type { Fault } from './faults.ts'
import type { Load } from './load.ts'
import { createTally, type Tally } from './tally.ts'

export interface Outcome {
  readonly fault: string
  /** Calls on their way at the moment of the fault. */
  readonly in_flight: number
  readonly tally: Tally
  /** Milliseconds from when restoring began to the first good answer; undefined: none came. */
  readonly recovery: number | undefined
}

export interface Conditions {
  readonly load: Load
  /** Milliseconds that a fault lasts. */
  readonly duration: number
  /** Milliseconds that recovering may take. */
  readonly limit: number
  readonly signal: AbortSignal
  /** Somebody with a good token calls a tool. */
  readonly probe: () => Promise<Answer>
}

/** Milliseconds of load before a fault and after it. */
const around = 500
const between_probes = 25
/** Milliseconds that breaking or mending may take. */
const deadline = 60_000

/** Breaks one thing under load, keeps it broken, mends it, and waits for the first good answer. */
export async function inflict(fault: Fault, conditions: Conditions): Promise<Outcome> {
  const { duration, load, signal } = conditions
  if (!isGood(await conditions.probe()))
    throw new Error(`nothing works even before this: ${fault.name}`)
  const tally = createTally()
  load.countIn(tally)
  await pause(around, undefined, { signal })
  const { in_flight } = load
  await within(deadline, `breaking ${fault.name}`, fault.apply())
  if (fault.stops_tools) tally.stopTools(true)
  try {
    await pause(duration + (fault.bridged ?? 0), undefined, { signal })
  } finally {
    tally.stopTools(false)
  }
  const begun = performance.now()
  const restored = fault.restore()
  // It is waited for below; until then a failure is only remembered.
  restored.catch(() => undefined)
  const recovery = await recover(begun, conditions)
  await within(deadline, `mending ${fault.name}`, restored)
  await pause(around, undefined, { signal })
  return { fault: fault.name, in_flight, tally, recovery }
}

async function recover(begun: number, { limit, probe, signal }: Conditions) {
  while (performance.now() - begun < limit) {
    if (isGood(await probe())) return Math.round(performance.now() - begun)
    await pause(between_probes, undefined, { signal })
  }
  return undefined
}

function isGood({ status, body }: Answer): boolean {
  return status === 200 && body.includes('structuredContent')
}

async function within(milliseconds: number, what: string, work: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new Error(`${what} took longer than ${milliseconds / 1000} s`))
  }, milliseconds)
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
