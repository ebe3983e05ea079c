import { PdkError } from './conversation.ts'
import type { Conversation } from './conversation.ts'
import type { Pdk } from './pdk.ts'

/** The PDK over one event's conversation with Kong. */
export function createPdk(kong: Conversation): Pdk {
  return {
    request: {
      getMethod: () => kong.call('kong.request.get_method', undefined),
      getPath: () => kong.call('kong.request.get_path', undefined),
      getPathWithQuery: () => kong.call('kong.request.get_path_with_query', undefined),
      getRawQuery: () => kong.call('kong.request.get_raw_query', undefined),
      getScheme: () => kong.call('kong.request.get_scheme', undefined),
      getHost: () => kong.call('kong.request.get_host', undefined),
      getPort: () => kong.call('kong.request.get_port', undefined),
      getForwardedScheme: () => kong.call('kong.request.get_forwarded_scheme', undefined),
      getForwardedHost: () => kong.call('kong.request.get_forwarded_host', undefined),
      getForwardedPort: () => kong.call('kong.request.get_forwarded_port', undefined),
      getHeader: name => kong.call('kong.request.get_header', name),
      getHeaders: limit => kong.call('kong.request.get_headers', limit),
      async getRawBody() {
        const body = await kong.call('kong.request.get_raw_body', undefined)
        if ('error' in body) throw new PdkError(`Kong has no request body: ${body.error}`)
        return body
      },
    },
    client: {
      getIp: () => kong.call('kong.client.get_ip', undefined),
      getForwardedIp: () => kong.call('kong.client.get_forwarded_ip', undefined),
    },
    node: { getId: () => kong.call('kong.node.get_id', undefined) },
    response: {
      exit: (status, body = '', headers = {}) =>
        kong.exit({ status, body: typeof body === 'string' ? Buffer.from(body) : body, headers }),
      setHeader: (name, value) => kong.call('kong.response.set_header', [name, value]),
      setHeaders: headers => kong.call('kong.response.set_headers', headers),
    },
    service: {
      request: {
        setHeader: (name, value) => kong.call('kong.service.request.set_header', [name, value]),
        setHeaders: headers => kong.call('kong.service.request.set_headers', headers),
        clearHeader: name => kong.call('kong.service.request.clear_header', name),
      },
    },
    ctx: {
      shared: {
        set: (key, value) => kong.call('kong.ctx.shared.set', [key, value]),
        get: key => kong.call('kong.ctx.shared.get', key),
      },
    },
    log: {
      debug: (...values) => kong.call('kong.log.debug', values),
      info: (...values) => kong.call('kong.log.info', values),
      notice: (...values) => kong.call('kong.log.notice', values),
      warn: (...values) => kong.call('kong.log.warn', values),
      err: (...values) => kong.call('kong.log.err', values),
      setSerializeValue: (key, value) => kong.call('kong.log.set_serialize_value', [key, value]),
    },
  }
}
