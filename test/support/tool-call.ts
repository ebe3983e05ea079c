import { rawRequest, type RawResponse } from './raw-request.ts'

export interface Whoami {
  readonly user_id: string
  readonly email: string
  readonly org_id: string
  readonly client_id: string
  readonly scope: string
}

const whoamiCall = (_meta: object) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'whoami', arguments: {}, _meta },
  })

export const whoami_call = whoamiCall({})
const whoami_in_progress = whoamiCall({ progressToken: 1 })

export interface RawCall {
  readonly token?: string
  /** Name, value, name, value, as sent. */
  readonly headers?: readonly string[]
  readonly path?: string
  /** Asks for progress, which is told in a stream. */
  readonly progress?: boolean
}

/** Calls `whoami` with headers and a path as they are given, in the way of 2025-11-25. */
export function callWhoami(
  origin: string,
  { token, headers = [], path = '/mcp', progress = false }: RawCall = {},
): Promise<RawResponse> {
  return rawRequest(origin, path, {
    method: 'POST',
    headers: [
      'Content-Type',
      'application/json',
      'Accept',
      'application/json, text/event-stream',
      'MCP-Protocol-Version',
      '2025-11-25',
      ...(token === undefined ? [] : ['Authorization', `Bearer ${token}`]),
      ...headers,
    ],
    body: progress ? whoami_in_progress : whoami_call,
  })
}

/** Who the tool says is calling. Throws with the answer when no tool ran. */
export function whoamiOf({ status, body }: RawResponse): Whoami {
  const message = JSON.parse(/^data: (.*)$/m.exec(body)?.[1] ?? body) as {
    result?: { structuredContent?: Whoami }
  }
  const said = message.result?.structuredContent
  if (!said) throw new Error(`no tool ran: ${status} ${body}`)
  return said
}
