import type { SharedValue } from '../../plugin-server/pdk.ts'
import type { PdkHost } from '../kong-side/client.ts'
import { sharedRequestId } from './exchange.ts'
import type { Exchange, LogLevel } from './exchange.ts'
import { getRequestHeader, getRequestHeaders } from './request-headers.ts'

/** What a plugin is told when it calls Kong's PDK, as Kong tells it when it trusts no proxy. */
export function createPdkHost(exchange: Exchange, node_id: string): PdkHost {
  const { headers, response_headers, target, shared } = exchange
  return {
    'kong.request.get_method': () => exchange.method,
    'kong.request.get_path': () => target.path,
    'kong.request.get_path_with_query': () => target.raw,
    'kong.request.get_raw_query': () => target.query,
    'kong.request.get_scheme': () => exchange.scheme,
    'kong.request.get_host': () => exchange.host,
    'kong.request.get_port': () => exchange.port,
    'kong.request.get_forwarded_scheme': () => exchange.scheme,
    'kong.request.get_forwarded_host': () => exchange.host,
    'kong.request.get_forwarded_port': () => exchange.port,
    'kong.request.get_header': name => getRequestHeader(headers, name),
    // Kong takes 1 to 1000; 0, an empty argument, is its default.
    'kong.request.get_headers': limit => getRequestHeaders(headers, limit || 100),
    'kong.request.get_raw_body': () => exchange.body.raw(),
    'kong.client.get_ip': () => exchange.client_ip,
    'kong.client.get_forwarded_ip': () => exchange.client_ip,
    'kong.node.get_id': () => node_id,
    'kong.response.set_header': ([name, value]) => response_headers.set(name, asText(value)),
    'kong.response.set_headers': values => response_headers.setAll(values),
    'kong.service.request.set_header': ([name, value]) => headers.set(name, asText(value)),
    'kong.service.request.set_headers': values => headers.setAll(values),
    'kong.service.request.clear_header': name => headers.clear(name),
    'kong.ctx.shared.set': ([key, value]) => void shared.set(key, value),
    'kong.ctx.shared.get': key => shared.get(key),
    'kong.log.debug': log(exchange, 'debug'),
    'kong.log.info': log(exchange, 'info'),
    'kong.log.notice': log(exchange, 'notice'),
    'kong.log.warn': log(exchange, 'warn'),
    'kong.log.err': log(exchange, 'err'),
    'kong.log.set_serialize_value': ([key, value]) =>
      void exchange.serialize_values.set(key, value),
  }
}

function log(exchange: Exchange, level: LogLevel) {
  return (values: readonly SharedValue[]): void =>
    exchange.log({
      msg: values.map(asText).join(''),
      level,
      request_id: sharedRequestId(exchange),
      from: 'plugin',
    })
}

function asText(value: SharedValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
