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

/** Whether a message is about tools, so that what the caller may do matters. */
export function isAboutTools(message: unknown): boolean {
  return (
    typeof message === 'object' &&
    message !== null &&
    'method' in message &&
    typeof message.method === 'string' &&
    message.method.startsWith('tools/')
  )
}
