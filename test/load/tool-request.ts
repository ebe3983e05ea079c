import { type Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { RawResponse } from '../support/raw-request.ts'

/** The headers of an MCP request in the way of 2025-11-25, name and value in turn. */
export const mcp_headers: readonly string[] = [
  ...['Content-Type', 'application/json', 'Accept', 'application/json, text/event-stream'],
  ...['MCP-Protocol-Version', '2025-11-25'],
]

/** JSON-RPC of a call. */
export const toolCall = (name: string, args: object = {}): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name, arguments: args },
  })

export interface ToolRequest {
  readonly agent: Agent
  /** Beside those of MCP; sent as they are. */
  readonly headers: readonly string[]
  readonly body: string
  /** Milliseconds until the caller gives up. */
  readonly patience: number
}

/** Status 0: there was no whole answer, and the body says why. */
export type Answer = RawResponse

/** Calls a tool with headers that nobody normalises. Never rejects. */
export async function requestTool(url: string, wanted: ToolRequest): Promise<Answer> {
  const { hostname, port, host } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const headers = ['Host', host, ...mcp_headers, ...wanted.headers]
  headers.push('Content-Length', String(Buffer.byteLength(wanted.body)))
  const outgoing = request({
    ...{ hostname, port, agent: wanted.agent, headers },
    method: 'POST',
    path: '/mcp',
    signal: AbortSignal.timeout(wanted.patience),
  })
  outgoing.once('error', reject)
  outgoing.once('response', response => {
    const { headers, statusCode: status = 0 } = response
    text(response).then(body => resolve({ status, headers, body }), reject)
  })
  outgoing.end(wanted.body)
  try {
    return await promise
  } catch (error) {
    return { status: 0, headers: {}, body: error instanceof Error ? error.message : String(error) }
  }
}
