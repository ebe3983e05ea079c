import { z } from 'zod'
import { errorExit } from './error-exit.ts'
import { nativePlugin } from './native-plugin.ts'
import { getRequestHeader } from './request-headers.ts'

const UNITS = { megabytes: 2 ** 20, kilobytes: 2 ** 10, bytes: 1 } as const

/** Kong's `request-size-limiting`: an announced length is believed, otherwise the body is read. */
export const request_size_limiting = nativePlugin({
  name: 'request-size-limiting',
  priority: 951,
  config: z.strictObject({
    allowed_payload_size: z.int().default(128),
    size_unit: z.enum(['megabytes', 'kilobytes', 'bytes']).default('megabytes'),
    require_content_length: z.boolean().default(false),
  }),
  start({ allowed_payload_size, require_content_length, size_unit }) {
    const most = allowed_payload_size * UNITS[size_unit]
    return {
      async access(exchange) {
        const { body, headers } = exchange
        const announced = getRequestHeader(headers, 'Content-Length')
        if (announced === undefined && require_content_length) {
          const coding = getRequestHeader(headers, 'Transfer-Encoding')
          if (coding !== 'chunked') {
            return errorExit(exchange, 411, 'A valid Content-Length header is required')
          }
        }
        const length = announced === undefined ? (await body.read()).length : Number(announced)
        if (length <= most) return undefined
        const expects = getRequestHeader(headers, 'Expect')?.trim().toLowerCase()
        const status = expects === '100-continue' ? 417 : 413
        return errorExit(exchange, status, 'Request size limit exceeded')
      },
    }
  },
})
