import type { Headers, Pdk } from '../../../gateway/plugin-server/pdk.ts'

/**
 * What kong-pdk 0.6.0 hands to a plugin, where it differs from our `Pdk`. Its own declarations
 * promise a pair of body and error, but over MsgPack Kong sends the first result of a method only.
 */
export interface StockKong extends Omit<Pdk, 'request'> {
  readonly request: Omit<Pdk['request'], 'getHeader' | 'getHeaders' | 'getRawBody'> & {
    getHeader(name: string): Promise<string | null | undefined>
    /** Every value is a list, also when there is one. */
    getHeaders(limit: number): Promise<Readonly<Record<string, readonly string[]>>>
    getRawBody(): Promise<Uint8Array | null | undefined>
  }
}

/** The PDK that our plugins are written for, over the one of Kong's stock plugin server. */
export function adaptPdk(kong: StockKong): Pdk {
  const { client, ctx, log, node, request, response, service } = kong
  return {
    request: {
      getMethod: () => request.getMethod(),
      getPath: () => request.getPath(),
      getPathWithQuery: () => request.getPathWithQuery(),
      getRawQuery: () => request.getRawQuery(),
      getScheme: () => request.getScheme(),
      getHost: () => request.getHost(),
      getPort: () => request.getPort(),
      getForwardedScheme: () => request.getForwardedScheme(),
      getForwardedHost: () => request.getForwardedHost(),
      getForwardedPort: () => request.getForwardedPort(),
      getHeader: async name => (await request.getHeader(name)) || undefined,
      getHeaders: async limit => singleValues(await request.getHeaders(limit)),
      async getRawBody() {
        // Without the argument that lets Kong read a buffered file: a longer message might be
        // split where kong-pdk's reader of MsgPack ends the process. See docs/kong-pdk.md.
        const content = await request.getRawBody()
        if (content instanceof Uint8Array) return { content }
        throw new Error('Kong gave no request body: it is larger than client_body_buffer_size')
      },
    },
    response: {
      // Lua ends a list of arguments at its first nil: none may be left out.
      exit: (status, body = '', headers = {}) => response.exit(status, body, headers),
      setHeader: (name, value) => response.setHeader(name, value),
      setHeaders: headers => response.setHeaders(headers),
    },
    client,
    ctx,
    log,
    node,
    service,
  }
}

function singleValues(headers: Readonly<Record<string, readonly string[]>>): Headers {
  return Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [
      name,
      values.length > 1 ? values : (values[0] ?? ''),
    ]),
  )
}
