import type { PdkHost } from '../../gateway/local/kong-side/client.ts'
import type { EventOutcome } from '../../gateway/local/kong-side/client.ts'
import type { Headers } from '../../gateway/plugin-server/pdk.ts'
import type { StockClient } from './kong-pdk-kong.ts'

export interface ClientRequest {
  readonly method?: string
  /** Path and query. */
  readonly url: string
  readonly headers?: Headers
  readonly body?: string | Uint8Array
}

export interface Answer {
  readonly outcome: EventOutcome
  /** The PDK methods called, `exit` apart. */
  readonly calls: readonly string[]
  /** What the upstream request's headers were set to. */
  readonly upstream: Headers
}

/** Runs the access phase of an instance for one request. `failing` is a PDK method that errs. */
export async function ask(
  client: StockClient,
  instance: number,
  request: ClientRequest,
  failing?: keyof PdkHost,
): Promise<Answer> {
  const calls: string[] = []
  const upstream: Record<string, string | readonly string[]> = {}
  const { method = 'GET', url, headers = {}, body = '' } = request
  const host: PdkHost = {
    'kong.request.get_method': () => method,
    'kong.request.get_path_with_query': () => url,
    'kong.client.get_forwarded_ip': () => '192.0.2.7',
    'kong.request.get_header': name => [headers[name]].flat()[0],
    'kong.request.get_headers': () => headers,
    'kong.request.get_raw_body': () => ({ content: Buffer.from(body as string) }),
    'kong.service.request.set_headers': set => void Object.assign(upstream, set),
  }
  const watched = Object.fromEntries(
    Object.entries(host).map(([name, answer]) => [
      name,
      (argument: never) => {
        calls.push(name)
        if (name === failing) throw new Error(`${name} failed`)
        return (answer as (argument: never) => unknown)(argument)
      },
    ]),
  )
  const outcome = await client.handleEvent(instance, 'access', watched)
  return { outcome, calls, upstream }
}

export interface Exit {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** The exit of an answer; fails when there was none. */
export function exitOf({ outcome }: Answer): Exit {
  if (outcome.kind !== 'exit') throw new Error('the request was let through')
  return { status: outcome.status, headers: outcome.headers, body: outcome.body.toString() }
}

/** The same exit without what is random or a time in it, to compare that of two servers. */
export function withoutChance({ status, headers, body }: Exit): Exit {
  const text = (value: string) =>
    value
      .replace(/[\w-]{16,}(\.[\w-]{16,})*/g, name => (/\d/.test(name) ? '<random>' : name))
      .replace(/"client_id_issued_at":\d+/g, '"client_id_issued_at":0')
      .replace(/expires=[^;]+/gi, 'expires=<time>')
  return {
    status,
    body: text(body),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        typeof value === 'string' ? text(value) : value.map(text),
      ]),
    ),
  }
}
