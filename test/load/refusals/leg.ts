import type { LocalSystem } from '../local-system.ts'
import type { PartName } from '../parts.ts'
import type { MeasuredChild } from './measured-child.ts'
import type { Refuser } from './refuse.ts'

export const measured_parts = [
  'gateway',
  'plugin-server',
  'mcp-server',
] as const satisfies readonly PartName[]

/** Resident bytes of each process after a tenth of the requests, and after all of them. */
export interface Leg {
  readonly name: string
  readonly requests: number
  readonly seconds: number
  readonly memory: readonly {
    readonly part: PartName
    readonly early: number
    readonly late: number
  }[]
}

export interface LegOptions {
  readonly name: string
  readonly requests: number
  readonly at_once: number
  readonly signal: AbortSignal
  readonly report: (line: string) => void
}

/** Has so many requests refused, and asks every process for its memory twice. */
export async function runLeg(
  system: LocalSystem<MeasuredChild>,
  refuser: Refuser,
  { at_once, name, report, requests, signal }: LegOptions,
): Promise<Leg> {
  const memory = () => Promise.all(measured_parts.map(part => system.part(part).memory()))
  let begun = 0
  let done = 0
  const upTo = async (mark: number) => {
    const work = async () => {
      while (begun < mark) {
        signal.throwIfAborted()
        begun += 1
        await refuser.refuseOne()
        done += 1
      }
    }
    await Promise.all(Array.from({ length: at_once }, work))
  }
  const started = performance.now()
  const elapsed = () => (performance.now() - started) / 1000
  const progress = () => {
    const left = (elapsed() / done) * (requests - done)
    report(`${name}: ${done} of ${requests}, ${Math.ceil(left)} s left`)
  }
  await upTo(Math.ceil(requests / 100))
  progress()
  await upTo(Math.ceil(requests / 10))
  const early = await memory()
  for (let tenth = 2; tenth <= 10; tenth += 1) {
    progress()
    await upTo(Math.ceil((requests / 10) * tenth))
  }
  const late = await memory()
  return {
    name,
    requests: done,
    seconds: elapsed(),
    memory: measured_parts.map((part, index) => ({
      part,
      early: early[index] ?? 0,
      late: late[index] ?? 0,
    })),
  }
}
