import type { Headers } from '../../gateway/plugin-server/pdk.ts'
import { requestId } from './audit.ts'
import { first } from './door/first-header.ts'

/**
 * What broke once the headers of a request were read (its `cause`), with the id that Kong gave the
 * request: the line about it can then tell which one it was, without asking Kong anything more.
 */
export class FailedRequest extends Error {
  readonly request_id: string | undefined

  constructor(cause: unknown, headers: Headers) {
    super('a request failed', { cause })
    this.name = 'FailedRequest'
    this.request_id = requestId({ headers: { 'x-request-id': first(headers, 'x-request-id') } })
  }
}
