import { z } from 'zod'

/** Kong's bounds of a timeout, milliseconds. */
const timeout = z
  .int()
  .min(1)
  .max(2 ** 31 - 2)
  .default(60_000)

const url = z.string().superRefine((given, context) => {
  const parsed = URL.parse(given)
  if (parsed && /^https?:$/.test(parsed.protocol) && !parsed.search && !parsed.hash) {
    if (!parsed.username && !parsed.password) return
  }
  // The value is not repeated: it may hold a password.
  context.addIssue({ code: 'custom', message: 'is no http or https URL of an upstream' })
})

/** An upstream. Timeouts are milliseconds. */
export interface Service {
  /** Its host, when the file gives it no name. */
  readonly name: string
  readonly protocol: 'http' | 'https'
  readonly host: string
  readonly port: number
  /** Put before the path of every request. */
  readonly path: string | undefined
  readonly connect_timeout: number
  readonly read_timeout: number
}

/** The members of a service that say where and how to reach it. */
export const upstream_fields = {
  url: url.optional(),
  protocol: z.enum(['http', 'https']).optional(),
  host: z.string().optional(),
  port: z.int().min(0).max(65_535).optional(),
  path: z.string().startsWith('/').optional(),
  retries: z.int().min(0).max(32_767).optional(),
  connect_timeout: timeout,
  write_timeout: timeout,
  read_timeout: timeout,
}
export type UpstreamEntry = z.output<z.ZodObject<typeof upstream_fields>>

/** Throws TypeError when the entry does not say where the upstream is. */
export function readService(entry: UpstreamEntry, name: string | undefined): Service {
  const { connect_timeout, read_timeout } = entry
  if (entry.url === undefined) {
    if (entry.host === undefined) throw new TypeError('needs a url or a host')
    const { protocol = 'http', host, port = 80, path } = entry
    return { name: name ?? host, protocol, host, port, path, connect_timeout, read_timeout }
  }
  if ([entry.protocol, entry.host, entry.port, entry.path].some(part => part !== undefined)) {
    throw new TypeError('takes a url, or protocol, host, port and path, not both')
  }
  const url = new URL(entry.url)
  const protocol = url.protocol === 'https:' ? 'https' : 'http'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return {
    name: name ?? host,
    protocol,
    host,
    port: Number(url.port) || (protocol === 'https' ? 443 : 80),
    path: url.pathname === '/' ? undefined : url.pathname,
    connect_timeout,
    read_timeout,
  }
}
