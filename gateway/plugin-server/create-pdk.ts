import { PdkError } from './conversation.ts'
import type { Conversation } from './conversation.ts'
import type { Headers, Pdk, RawBody, SharedValue } from './pdk.ts'

/** The PDK over one event's conversation with Kong; each part of it is made when it is used. */
export function createPdk(kong: Conversation): Pdk {
  return new ConversationPdk(kong)
}

class Part {
  protected readonly kong: Conversation
  constructor(kong: Conversation) {
    this.kong = kong
  }
}

class ConversationPdk extends Part implements Pdk {
  get request() {
    return new Request(this.kong)
  }
  get client() {
    return new Client(this.kong)
  }
  get node() {
    return new Node(this.kong)
  }
  get response() {
    return new Response(this.kong)
  }
  get service() {
    return { request: new ServiceRequest(this.kong) }
  }
  get ctx() {
    return { shared: new Shared(this.kong) }
  }
  get log() {
    return new Log(this.kong)
  }
}

class Request extends Part {
  getMethod() {
    return this.kong.call('kong.request.get_method', undefined)
  }
  getPath() {
    return this.kong.call('kong.request.get_path', undefined)
  }
  getPathWithQuery() {
    return this.kong.call('kong.request.get_path_with_query', undefined)
  }
  getRawQuery() {
    return this.kong.call('kong.request.get_raw_query', undefined)
  }
  getScheme() {
    return this.kong.call('kong.request.get_scheme', undefined)
  }
  getHost() {
    return this.kong.call('kong.request.get_host', undefined)
  }
  getPort() {
    return this.kong.call('kong.request.get_port', undefined)
  }
  getForwardedScheme() {
    return this.kong.call('kong.request.get_forwarded_scheme', undefined)
  }
  getForwardedHost() {
    return this.kong.call('kong.request.get_forwarded_host', undefined)
  }
  getForwardedPort() {
    return this.kong.call('kong.request.get_forwarded_port', undefined)
  }
  getHeader(name: string) {
    return this.kong.call('kong.request.get_header', name)
  }
  getHeaders(limit: number) {
    return this.kong.call('kong.request.get_headers', limit)
  }
  async getRawBody(): Promise<RawBody> {
    const body = await this.kong.call('kong.request.get_raw_body', undefined)
    if ('error' in body) throw new PdkError(`Kong has no request body: ${body.error}`)
    return body
  }
}

class Client extends Part {
  getIp() {
    return this.kong.call('kong.client.get_ip', undefined)
  }
  getForwardedIp() {
    return this.kong.call('kong.client.get_forwarded_ip', undefined)
  }
}

class Node extends Part {
  getId() {
    return this.kong.call('kong.node.get_id', undefined)
  }
}

class Response extends Part {
  exit(status: number, body: string | Uint8Array = '', headers: Headers = {}) {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    return this.kong.exit({ status, body: bytes, headers })
  }
  setHeader(name: string, value: string) {
    return this.kong.call('kong.response.set_header', [name, value])
  }
  setHeaders(headers: Headers) {
    return this.kong.call('kong.response.set_headers', headers)
  }
}

class ServiceRequest extends Part {
  setHeader(name: string, value: string) {
    return this.kong.call('kong.service.request.set_header', [name, value])
  }
  setHeaders(headers: Headers) {
    return this.kong.call('kong.service.request.set_headers', headers)
  }
  clearHeader(name: string) {
    return this.kong.call('kong.service.request.clear_header', name)
  }
}

class Shared extends Part {
  set(key: string, value: SharedValue) {
    return this.kong.call('kong.ctx.shared.set', [key, value])
  }
  get(key: string) {
    return this.kong.call('kong.ctx.shared.get', key)
  }
}

class Log extends Part {
  debug(...values: SharedValue[]) {
    return this.kong.call('kong.log.debug', values)
  }
  info(...values: SharedValue[]) {
    return this.kong.call('kong.log.info', values)
  }
  notice(...values: SharedValue[]) {
    return this.kong.call('kong.log.notice', values)
  }
  warn(...values: SharedValue[]) {
    return this.kong.call('kong.log.warn', values)
  }
  err(...values: SharedValue[]) {
    return this.kong.call('kong.log.err', values)
  }
  setSerializeValue(key: string, value: SharedValue) {
    return this.kong.call('kong.log.set_serialize_value', [key, value])
  }
}
