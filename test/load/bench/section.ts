/** What a part of the suite found. */
export interface Section {
  readonly title: string
  /** What was done, in a sentence or two. */
  readonly how: string
  /** The first row is the heading. */
  readonly rows: readonly (readonly (string | number)[])[]
  readonly goals: readonly Goal[]
  /** What could not be measured here, and why. */
  readonly unmeasured: readonly string[]
}

export interface Goal {
  readonly what: string
  readonly goal: string
  readonly measured: string
  readonly met: boolean
}

export const atLeast = (what: string, goal: number, measured: number): Goal => ({
  ...{ what, goal: `at least ${goal}`, measured: measured.toFixed(2) },
  met: measured >= goal,
})

export const atMost = (what: string, goal: number, measured: number): Goal => ({
  ...{ what, goal: `at most ${goal}`, measured: measured.toFixed(2) },
  met: measured <= goal,
})
