import type { Headers } from '../../../gateway/plugin-server/pdk.ts'

/** The first value of a header by its name in lower case, as Kong's `get_header` gives it. */
export function first(headers: Headers, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}
