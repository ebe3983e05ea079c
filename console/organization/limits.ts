import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'

/** A limit that config/kong.yml declares for the requests of AI apps. */
export interface Limit {
  /** Whose requests are counted together. */
  readonly of: string
  readonly requests: number
  readonly per: (typeof units)[number]
}

const units = ['second', 'minute', 'hour', 'day', 'month', 'year'] as const

const counted: Readonly<Record<string, string>> = {
  'rate-limiting': 'Each person, with all their apps',
  'org-rate-limiting': 'The whole organization',
  'tool-rate-limiting': 'Each person, for each tool',
  'ip-rate-limiting': 'Each network address',
}

const plugin = z.looseObject({
  name: z.string(),
  enabled: z.boolean().optional(),
  config: z.record(z.string(), z.unknown()).nullish(),
})
const route = z.looseObject({ name: z.string().optional(), plugins: z.array(plugin).nullish() })
const file = z.looseObject({
  services: z.array(z.looseObject({ routes: z.array(route).nullish() })).nullish(),
})

/**
 * The limits of the route `mcp` as the file declares them now. Kong takes a change of the file up when it
 * loads it again. Rejects when the file cannot be read.
 */
export async function readLimits(path: string): Promise<readonly Limit[]> {
  const { services } = file.parse(parse(await readFile(path, 'utf8'), { merge: true }))
  const routes = (services ?? []).flatMap(({ routes }) => routes ?? [])
  const plugins = routes.find(({ name }) => name === 'mcp')?.plugins ?? []
  return plugins
    .filter(({ enabled }) => enabled !== false)
    .flatMap(({ name, config }) => {
      const of = counted[name]
      return of === undefined ? [] : units.flatMap(per => limitOf(of, config?.[per], per))
    })
}

function limitOf(of: string, requests: unknown, per: Limit['per']): readonly Limit[] {
  return typeof requests === 'number' ? [{ of, requests, per }] : []
}
