import type { BarPlot } from './bar-plot.ts'

/** What a part of the suite found. */
export interface Section {
  readonly title: string
  /** What was done, in a sentence or two. */
  readonly how: string
  /** The first row is the heading; without any row there is no table. */
  readonly rows: readonly (readonly (string | number)[])[]
  readonly goals: readonly Goal[]
  /** What could not be measured here, and why. */
  readonly unmeasured: readonly string[]
  /** Of figures in the table. */
  readonly plots?: readonly BarPlot[]
}

export interface Goal {
  readonly what: string
  readonly goal: string
  readonly measured: string
  readonly met: boolean
}

/** A cell of a table; words where the computer did not tell. */
export const figure = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toFixed(digits) : 'not measured'

export const atLeast = (what: string, goal: number, measured: number): Goal => ({
  ...{ what, goal: `at least ${goal}`, measured: shown(what, measured) },
  met: measured >= goal,
})

export const atMost = (what: string, goal: number, measured: number): Goal => ({
  ...{ what, goal: `at most ${goal}`, measured: shown(what, measured) },
  met: measured <= goal,
})

/** Throws when it is no number: a goal is judged by what was measured, and by nothing else. */
function shown(what: string, measured: number): string {
  if (!Number.isFinite(measured)) throw new RangeError(`there is no figure of ${what}`)
  return measured.toFixed(2)
}
