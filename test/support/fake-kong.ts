import type { Headers, Pdk, RawBody } from '../../gateway/plugin-server/pdk.ts'

export interface KongRequest {
  readonly method?: string
  /** Path and query. */
  readonly url?: string
  readonly headers?: Headers
  readonly body?: RawBody
}

export interface KongOutcome {
  /** The methods called, in order. */
  readonly calls: readonly string[]
  readonly exit:
    { readonly status: number; readonly body: string; readonly headers: Headers } | undefined
  /** What the upstream request's headers were set to. */
  readonly upstream: Headers
}

/** Runs a phase as Kong would, in process, and says what it did to the request. */
export async function runPhase(
  phase: (kong: Pdk) => Promise<void>,
  request: KongRequest = {},
  failing?: string,
): Promise<KongOutcome> {
  const calls: string[] = []
  let exit: KongOutcome['exit']
  const upstream: Record<string, string | readonly string[]> = {}
  const headers = request.headers ?? {}
  const answers: Readonly<Record<string, (...given: never[]) => unknown>> = {
    'request.getMethod': () => request.method ?? 'GET',
    'request.getPathWithQuery': () => request.url ?? '/',
    'request.getHeader': (name: string) => {
      const value = headers[name]
      return typeof value === 'string' ? value : value?.[0]
    },
    'request.getHeaders': () => headers,
    'client.getForwardedIp': () => '192.0.2.7',
    'request.getRawBody': () => request.body ?? { content: new Uint8Array() },
    'service.request.setHeaders': (set: Headers) => void Object.assign(upstream, set),
    'response.exit': (status: number, body: string | Uint8Array = '', set: Headers = {}) => {
      exit = { status, body: Buffer.from(body).toString(), headers: set }
    },
  }
  const kong = pdk('', (method, given) => {
    if (exit) throw new Error(`${method} was called after exit`)
    calls.push(method)
    const answer = answers[method]
    if (method === failing) throw new Error(`${method} failed`)
    if (!answer) throw new Error(`this Kong does not know ${method}`)
    return answer(...(given as never[]))
  })
  await phase(kong as Pdk)
  return { calls, exit, upstream }
}

function pdk(path: string, call: (method: string, given: readonly unknown[]) => unknown): unknown {
  const target = (...given: unknown[]) => Promise.resolve().then(() => call(path, given))
  return new Proxy(target, {
    get: (_target, name) =>
      typeof name === 'string' && name !== 'then'
        ? pdk(path === '' ? name : `${path}.${name}`, call)
        : undefined,
  })
}

/** A log that keeps what it was told. */
export function recordingLog() {
  const entries: { readonly level: string; readonly detail: object; readonly message: string }[] =
    []
  const at = (level: string) => (detail: object, message: string) =>
    void entries.push({ level, detail, message })
  return { entries, error: at('error'), warn: at('warn'), info: at('info') }
}
