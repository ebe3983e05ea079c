import { getRequestListener, RequestError } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import {
  type AuthInfo,
  createMcpHandler,
  INTERNAL_ERROR,
  INVALID_REQUEST,
  isLegacyRequest,
  type McpServer,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import type { Request as Incoming, Response as Reply } from 'express'
import { streamWhenLate } from './late-answer.ts'
import { rpcError } from './rpc-response.ts'

/** How old the client's revision of the protocol is: `modern` from 2026-07-28. */
export type Era = 'legacy' | 'modern'

export interface ExchangeOptions {
  /** The MCP server of one request; rejects, or throws, for a request without an identity. */
  readonly serverFor: (asked: { era: Era; authInfo?: AuthInfo }) => McpServer
  /** Hears of what the SDK refuses, and of what fails. */
  readonly report: (error: Error) => void
}

export interface Message {
  /** The parsed body; undefined only for a request other than POST: the SDK is to read none itself. */
  readonly body: unknown
  readonly authInfo: AuthInfo
  /** Has a last look at the answer; of the SDK's own answers it is not told the era. */
  readonly inspect: (response: Response, era?: 'legacy') => Promise<Response>
}

export interface Exchanges {
  /** Answers one HTTP request; resolves when the answer is out. */
  answer(incoming: Incoming, reply: Reply, message: Message): Promise<void>
  /** Ends open streams, and takes no more requests. */
  close(): Promise<void>
}

/**
 * Requests and answers of both eras over HTTP. An answer is one JSON body, unless the client asked for
 * progress or the SDK has something to say before: then it is a stream of events (MCP 2025-11-25,
 * "Streamable HTTP"). One that takes long becomes a stream too, see `streamWhenLate`.
 */
export function createExchanges({ serverFor, report }: ExchangeOptions): Exchanges {
  const mcp = createMcpHandler(serverFor, { onerror: report })
  let closed = false

  async function respond(web: Request, reply: Reply, message: Message): Promise<Response> {
    const { body, authInfo, inspect } = message
    if (closed) throw new Error('the server is closed')
    if (!expectsOneAnswer(web, body) || !(await isLegacyRequest(web, body)))
      return inspect(
        await mcp.fetch(web, { authInfo, ...(body !== undefined && { parsedBody: body }) }),
      )
    const server = serverFor({ era: 'legacy', authInfo })
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
    await server.connect(transport)
    // Tells the tool, too, when the client has gone; after the answer there is nothing left to end.
    reply.once('close', () => {
      if (!reply.writableFinished) server.close().catch(report)
    })
    return inspect(await transport.handleRequest(web, { authInfo, parsedBody: body }), 'legacy')
  }

  async function safely(web: Request, reply: Reply, message: Message): Promise<Response> {
    try {
      return await respond(web, reply, message)
    } catch (error) {
      return answerError(error, message)
    }
  }

  function answerError(error: unknown, { inspect }: Message): Promise<Response> {
    report(error instanceof Error ? error : new Error(String(error)))
    const [status, failed] =
      error instanceof RequestError
        ? [400, { code: INVALID_REQUEST, message: 'The request has no valid address.' }]
        : [500, { code: INTERNAL_ERROR, message: 'Internal server error' }]
    return inspect(Response.json(rpcError(failed), { status }))
  }

  return {
    async answer(incoming, reply, message) {
      const listen = getRequestListener(
        async web => {
          const gone = new Promise<Response>(resolve =>
            reply.once('close', () => resolve(RESPONSE_ALREADY_SENT)),
          )
          const answer = Promise.race([safely(web, reply, message), gone])
          return message.body === undefined ? answer : streamWhenLate(answer, reply)
        },
        { errorHandler: error => answerError(error, message) },
      )
      await listen(incoming, reply)
    },
    close() {
      closed = true
      return mcp.close()
    },
  }
}

/** A client that wants to hear of progress is answered with a stream. */
function expectsOneAnswer({ method }: Request, body: unknown): boolean {
  return method === 'POST' && body !== undefined && progressToken(body) === undefined
}

function progressToken(body: unknown): unknown {
  const { params } = membersOf(body)
  return membersOf(membersOf(params)['_meta'])['progressToken']
}

const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
