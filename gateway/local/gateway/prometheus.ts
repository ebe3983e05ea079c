import { z } from 'zod'
import { nativePlugin } from './native-plugin.ts'

const absent = z.literal(false, 'the local gateway has none of these').optional()

/** Kong's `prometheus`: what it sees is served on the status listener. */
export const prometheus = nativePlugin({
  name: 'prometheus',
  priority: 13,
  config: z.strictObject({
    // Nothing here knows consumers: the label stays empty.
    per_consumer: z.boolean().default(false),
    status_code_metrics: z.boolean().default(false),
    latency_metrics: z.boolean().default(false),
    bandwidth_metrics: z.boolean().default(false),
    // There are no upstream entities, hence nothing to say of their health.
    upstream_health_metrics: z.boolean().default(false),
    ai_metrics: absent,
    wasm_metrics: absent,
  }),
  start: (config, { metrics }) => ({ log: message => metrics.observe(message, config) }),
})
