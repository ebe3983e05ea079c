/** One header value, or several in their order. Kong gives a string for one and a list for more. */
export type HeaderValue = string | readonly string[]
export type Headers = Readonly<Record<string, HeaderValue>>

/**
 * A request body as Kong hands it over: bytes, or the path of the file nginx buffered it in once it
 * exceeded `client_body_buffer_size`. The file lives as long as the request.
 */
export type RawBody = { readonly content: Uint8Array } | { readonly body_filepath: string }

/** A value that `kong.ctx.shared` and the log serializer can carry. */
export type SharedValue =
  | string
  | number
  | boolean
  | null
  | readonly SharedValue[]
  | { readonly [name: string]: SharedValue }

/**
 * The part of Kong's Plugin Development Kit that a plugin may call, with kong-pdk's names, each a
 * round trip to Kong. A getter gives `undefined` where Kong answers with nothing (an empty header
 * and a missing one look the same). Every call rejects when Kong drops the connection.
 * Source: Kong's PDK reference; argument and reply types as observed on Kong 3.9.3.
 */
export interface Pdk {
  readonly request: {
    getMethod(): Promise<string>
    getPath(): Promise<string>
    getPathWithQuery(): Promise<string>
    /** Without the question mark; empty when there is none. */
    getRawQuery(): Promise<string>
    getScheme(): Promise<string>
    getHost(): Promise<string>
    getPort(): Promise<number>
    getForwardedScheme(): Promise<string>
    getForwardedHost(): Promise<string>
    getForwardedPort(): Promise<number>
    /** The first value of a header. Kong reads `_` in a client's header name as `-`. */
    getHeader(name: string): Promise<string | undefined>
    /** At most `limit` headers (Kong: 1 to 1000), names in lower case. */
    getHeaders(limit: number): Promise<Headers>
    getRawBody(): Promise<RawBody>
  }
  readonly client: {
    getIp(): Promise<string>
    getForwardedIp(): Promise<string>
  }
  readonly node: {
    getId(): Promise<string>
  }
  readonly response: {
    /**
     * Answers the client and ends the request there: Kong runs no later plugin, never replies and
     * drops the connection. Resolves once the frames are handed to the socket; nothing may be sent
     * after it.
     */
    exit(status: number, body?: string | Uint8Array, headers?: Headers): Promise<void>
    setHeader(name: string, value: string): Promise<void>
    setHeaders(headers: Headers): Promise<void>
  }
  readonly service: {
    readonly request: {
      setHeader(name: string, value: string): Promise<void>
      setHeaders(headers: Headers): Promise<void>
      clearHeader(name: string): Promise<void>
    }
  }
  readonly ctx: {
    readonly shared: {
      set(key: string, value: SharedValue): Promise<void>
      get(key: string): Promise<SharedValue | undefined>
    }
  }
  readonly log: {
    debug(...values: SharedValue[]): Promise<void>
    info(...values: SharedValue[]): Promise<void>
    notice(...values: SharedValue[]): Promise<void>
    warn(...values: SharedValue[]): Promise<void>
    err(...values: SharedValue[]): Promise<void>
    setSerializeValue(key: string, value: SharedValue): Promise<void>
  }
}
