import { percentile } from '../table.ts'

/** One thing that is measured, several times in turn with others. */
export interface Leg<T> {
  readonly name: string
  readonly run: () => Promise<T>
}

/** What each leg gave, in its order; whatever else the computer does meets all of them alike. */
export async function inTurn<T>(
  legs: readonly Leg<T>[],
  rounds: number,
  report: (line: string) => void,
): Promise<readonly (readonly T[])[]> {
  const results: T[][] = legs.map(() => [])
  for (let round = 1; round <= rounds; round += 1)
    for (const [index, leg] of legs.entries()) {
      report(`round ${round} of ${rounds}: ${leg.name}`)
      results[index]?.push(await leg.run())
    }
  return results
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** The median of the ratios of each round: the two of a round met the same computer. */
export function ratioOf(values: readonly number[], baseline: readonly number[]): number {
  return median(values.map((value, index) => value / (baseline[index] ?? NaN)))
}
