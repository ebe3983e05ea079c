import { z } from 'zod'
import { createBatchQueue } from './batch-queue.ts'
import { createRedaction, custom_fields_by_lua, redactionNotice } from './log-redaction.ts'
import { nativePlugin } from './native-plugin.ts'

const TAKEN = ['host', 'content-length', 'content-type']
const seconds = (least: number) => z.number().min(least)

const config = z
  .strictObject({
    http_endpoint: z.url({ protocol: /^https?$/, error: 'is no http or https URL' }),
    method: z.enum(['POST', 'PUT', 'PATCH']).default('POST'),
    content_type: z
      .enum(['application/json', 'application/json; charset=utf-8'])
      .default('application/json'),
    /** Milliseconds. */
    timeout: z.number().positive().default(10_000),
    keepalive: z.number().default(60_000),
    headers: z.record(z.string(), z.string()).nullish(),
    queue: z
      .strictObject({
        max_batch_size: z.int().min(1).max(1_000_000).default(1),
        max_coalescing_delay: seconds(0).max(3600).default(1),
        max_entries: z.int().min(1).max(1_000_000).default(10_000),
        max_retry_time: seconds(-1).default(60),
        initial_retry_delay: seconds(0.001).default(0.01),
        max_retry_delay: seconds(0.001).default(60),
        concurrency_limit: z.literal(1, 'the local gateway sends one batch at a time').default(1),
      })
      .prefault({}),
    custom_fields_by_lua,
  })
  .superRefine(({ headers, http_endpoint }, context) => {
    const refuse = (message: string) =>
      context.addIssue({ code: 'custom', path: ['headers'], message })
    const names = Object.keys(headers ?? {}).map(name => name.toLowerCase())
    for (const name of names) if (TAKEN.includes(name)) refuse(`cannot contain '${name}'`)
    if (names.includes('authorization') && URL.parse(http_endpoint)?.username) {
      refuse("cannot contain 'authorization' when http_endpoint holds user info")
    }
  })

/** Kong's `http-log`: log messages sent to a server, in batches, tried again when it fails. */
export const http_log = nativePlugin({
  name: 'http-log',
  priority: 12,
  notice: ({ custom_fields_by_lua }) => redactionNotice(custom_fields_by_lua),
  config,
  referenceable: ['http_endpoint', 'headers.*'],
  start(settings, { log }) {
    const redact = createRedaction(settings.custom_fields_by_lua)
    const send = createSender(settings)
    const queue = createBatchQueue<string>(settings.queue, send, (reason, entries) => {
      log({ msg: 'http-log lost entries', level: 'err', reason, entries })
    })
    return {
      log: message => queue.push(JSON.stringify(redact(message))),
      close: () => queue.close(),
    }
  },
})

function createSender(settings: z.output<typeof config>) {
  const url = new URL(settings.http_endpoint)
  const { username, password } = url
  const user_info = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  url.username = ''
  url.password = ''
  const headers = {
    ...settings.headers,
    ...(username ? { Authorization: `Basic ${Buffer.from(user_info).toString('base64')}` } : {}),
    'Content-Type': settings.content_type,
  }
  return async (batch: readonly string[]): Promise<void> => {
    const body = settings.queue.max_batch_size === 1 ? (batch[0] ?? '') : `[${batch.join(',')}]`
    const response = await fetch(url, {
      method: settings.method,
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(settings.timeout),
    })
    await response.body?.cancel()
    if (response.status >= 300) throw new Error(`${url.host} answered ${response.status}`)
  }
}
