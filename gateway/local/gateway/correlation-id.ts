import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { nativePlugin } from './native-plugin.ts'
import { getRequestHeader } from './request-headers.ts'

/** Kong's `correlation-id`: a client's own id is kept, unless a guard removed it before. */
export const correlation_id = nativePlugin({
  name: 'correlation-id',
  priority: 100_001,
  config: z.strictObject({
    header_name: z.string().default('Kong-Request-ID'),
    generator: z
      .enum(['uuid', 'uuid#counter'], 'the local gateway generates uuid and uuid#counter')
      .default('uuid#counter'),
    echo_downstream: z.boolean().default(false),
  }),
  start({ header_name, generator, echo_downstream }) {
    const worker = randomUUID()
    let counter = 0
    const generate = () => (generator === 'uuid' ? randomUUID() : `${worker}#${(counter += 1)}`)
    return {
      access({ headers }) {
        if (!getRequestHeader(headers, header_name)) headers.set(header_name, generate())
        return undefined
      },
      header_filter({ headers }, response) {
        if (!echo_downstream) return
        response.set(header_name, getRequestHeader(headers, header_name) ?? generate())
      },
    }
  },
})
