import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { CORRELATION_ID } from './exchange.ts'
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
      access({ headers, serialize_values }) {
        const given = getRequestHeader(headers, header_name)
        const id = given || generate()
        if (!given) headers.set(header_name, id)
        serialize_values.set(CORRELATION_ID, id)
        return undefined
      },
      header_filter({ serialize_values }, response) {
        if (!echo_downstream) return
        // Without a route no access phase ran, nor the guard before it: the client's id is not repeated.
        const known = serialize_values.get(CORRELATION_ID)
        const id = typeof known === 'string' ? known : generate()
        serialize_values.set(CORRELATION_ID, id)
        response.set(header_name, id)
      },
    }
  },
})
