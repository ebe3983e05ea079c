import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const Checks = z.array(
  z.looseObject({
    id: z.string(),
    status: z.enum(['SUCCESS', 'INFO', 'FAILURE', 'WARNING', 'SKIPPED']),
    errorMessage: z.string().nullish(),
  }),
)

/** A check that did not succeed. */
export interface Finding {
  readonly id: string
  /** A warning is about what the specification merely recommends. */
  readonly status: 'FAILURE' | 'WARNING' | 'SKIPPED'
  readonly message: string
}

/** What was found in each scenario. */
export type Results = Map<string, readonly Finding[]>

/** Reads what the suite's command has left in its output folder. Throws when that is nothing. */
export async function readResults(folder: string): Promise<Results> {
  const results: Results = new Map()
  for (const entry of (await readdir(folder)).sort()) {
    const scenario = /^(?:authorization-)?server-(.+?)-\d{4}-\d\d-\d\dT/.exec(entry)?.[1]
    if (scenario === undefined) continue
    const checks = Checks.parse(
      JSON.parse(await readFile(join(folder, entry, 'checks.json'), 'utf8')),
    )
    const findings = checks.flatMap(({ id, status, errorMessage }) =>
      status === 'SUCCESS' || status === 'INFO'
        ? []
        : [{ id, status, message: errorMessage ?? status }],
    )
    results.set(scenario, findings)
  }
  if (results.size === 0) throw new Error(`the suite left no results in ${folder}`)
  return results
}

export const passes = (results: Results, scenario: string): boolean =>
  results.get(scenario)?.every(({ status }) => status !== 'FAILURE') ?? false

/** Whether the same was found in both, in what is merely recommended too. */
export const agree = (left: Results, right: Results, scenario: string): boolean =>
  found(left, scenario) === found(right, scenario)

const found = (results: Results, scenario: string) =>
  results
    .get(scenario)
    ?.map(({ id, status }) => `${status} ${id}`)
    .join(', ')

export const said = (results: Results, scenario: string): string =>
  results
    .get(scenario)
    ?.map(({ id, message }) => `${id}: ${message}`)
    .join('; ') ?? 'was not run'
