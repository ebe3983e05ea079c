import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { z } from 'zod'
import { compile_cache } from '../compile-cache.ts'

/** A field of Kong's schema language, as far as a configuration can be checked with it. */
const field = z.looseObject({
  type: z.string(),
  required: z.boolean().optional(),
  default: z.unknown().optional(),
  one_of: z.array(z.unknown()).optional(),
  between: z.tuple([z.number(), z.number()]).optional(),
  referenceable: z.boolean().optional(),
  get elements() {
    return field.optional()
  },
  get fields() {
    return z.array(z.record(z.string(), field)).optional()
  },
})
export type KongField = z.infer<typeof field>

const dump = z.object({
  Protocol: z.literal('ProtoBuf:1'),
  Plugins: z
    .array(
      z.object({
        Name: z.string(),
        Priority: z.number(),
        Schema: z.object({ fields: z.array(z.record(z.string(), field)) }),
      }),
    )
    .min(1),
})

/** The plugin behind the plugin server, as it describes itself. */
export interface ExternalPlugin {
  readonly name: string
  readonly priority: number
  readonly config: KongField
}

/** Reads what `--dump` prints. Kong takes the first plugin only, so do we. Throws on anything else. */
export function parseDump(json: string): ExternalPlugin {
  const [plugin] = dump.parse(JSON.parse(json)).Plugins
  const config = plugin?.Schema.fields.find(record => record.config)?.config
  if (!plugin || !config) throw new TypeError(`the plugin's schema has no 'config' record`)
  return { name: plugin.Name, priority: plugin.Priority, config }
}

/** Asks the plugin server's program, as Kong does once at its start. Throws when it gives no answer. */
export async function queryPlugin(program: string): Promise<ExternalPlugin> {
  const run = promisify(execFile)
  // Kong gives the query no environment.
  const env = { NODE_COMPILE_CACHE: compile_cache }
  const { stdout } = await run(process.execPath, [program, '--dump'], { env, timeout: 30_000 })
  return parseDump(stdout)
}
