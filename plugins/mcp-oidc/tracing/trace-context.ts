/** Who called, in the trace of a request (W3C Trace Context 3.2). */
export interface TraceParent {
  readonly trace_id: string
  readonly span_id: string
  readonly flags: number
}

/**
 * Reads a `traceparent` header. Undefined when there is none, several, or when it is not one: then a
 * trace begins here. Of a version after 00 the members that are known now are read.
 */
export function parseTraceparent(
  header: string | readonly string[] | undefined,
): TraceParent | undefined {
  if (typeof header !== 'string') return undefined
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header)
  if (!match) return undefined
  const [, version, trace_id = '', span_id = '', flags = '', more] = match
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(trace_id) || /^0+$/.test(span_id)) return undefined
  return { trace_id, span_id, flags: Number.parseInt(flags, 16) }
}
