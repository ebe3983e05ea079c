import { z } from 'zod'
import type { ToolCall } from './call-tool.ts'

const Call = z.looseObject({
  method: z.literal('tools/call'),
  params: z.looseObject({
    name: z.string(),
    arguments: z.record(z.string(), z.unknown()).optional(),
  }),
})

/** The tool call in a JSON-RPC message; undefined when it is another request, or none the SDK takes. */
export function toolCallIn(message: unknown): ToolCall | undefined {
  return Call.safeParse(message).data?.params
}

/** The method of a JSON-RPC message; undefined when it has none. */
export function methodOf(message: unknown): string | undefined {
  return typeof message === 'object' &&
    message !== null &&
    'method' in message &&
    typeof message.method === 'string'
    ? message.method
    : undefined
}
