import { z } from 'zod'
import { nativePlugin } from './native-plugin.ts'

const pair = z.string().regex(/^[^:]+:.*$/, "is written 'name:value'")
const token = /^[\w!#$%&'*+.^`|~-]+$/
const names = z.string().regex(/^[^:]+:[^:]+$/, "is written 'old:new'")
const none = z
  .array(z.string())
  .max(0, 'the local gateway transforms headers only, no bodies')
  .optional()
const headersOf = (entry: z.ZodString) =>
  z
    .strictObject({
      headers: z
        .array(entry.refine(text => token.test(split(text).name), 'is no header'))
        .default([]),
      json: none,
      json_types: none,
    })
    .default({ headers: [] })

/** Kong's `response-transformer` for headers: remove, rename, replace, add, append, in this order. */
export const response_transformer = nativePlugin({
  name: 'response-transformer',
  priority: 800,
  config: z.strictObject({
    remove: headersOf(z.string()),
    rename: headersOf(names),
    replace: headersOf(pair),
    add: headersOf(pair),
    append: headersOf(pair),
  }),
  start: ({ add, append, remove, rename, replace }) => ({
    header_filter(_exchange, response) {
      // Whether a header is there is judged by what the response had, as in Kong.
      const before = new Map(
        response.lines.map(([name]) => [name.toLowerCase(), response.values(name)]),
      )
      for (const name of remove.headers) response.clear(split(name).name)
      for (const { name, value: renamed } of rename.headers.map(split)) {
        const moved = before.get(name.toLowerCase())
        if (!moved) continue
        response.set(renamed, moved)
        response.clear(name)
      }
      for (const { name, value } of replace.headers.map(split)) {
        if (before.has(name.toLowerCase()) && value !== '') response.set(name, value)
      }
      for (const { name, value } of add.headers.map(split)) {
        if (!before.has(name.toLowerCase()) && value !== '') response.set(name, value)
      }
      for (const { name, value } of append.headers.map(split)) response.append(name, value)
    },
  }),
})

/** At the first colon, the others being part of the value. */
function split(entry: string): { readonly name: string; readonly value: string } {
  const [name = ''] = entry.split(':', 1)
  return { name, value: entry.slice(name.length).replace(/^:+/, '') }
}
