import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import { UnauthorizedError as V1UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { OAuthClient } from '../../gateway/local/demo/oauth-client.ts'
import { approve } from './person.ts'

export type Mode = 'v1' | 'legacy' | 'auto' | { readonly pin: string }

export interface ToolAnswer {
  readonly isError: boolean
  readonly structured: Record<string, unknown>
}

/** An AI client of one of the SDKs, signed in as a user, and what it keeps. */
export interface Connected {
  readonly oauth: OAuthClient
  readonly protocol_version: string | undefined
  listTools(): Promise<readonly string[]>
  callTool(name: string, args?: Record<string, unknown>): Promise<ToolAnswer>
  close(): Promise<void>
}

const info = { name: 'e2e', version: '1.0.0' }
const redirect_uri = 'http://127.0.0.1:53682/callback'

/**
 * Connects as the SDK itself does it: the first request is refused, whereupon the SDK discovers,
 * registers and sends the browser; the code that comes back is redeemed by the SDK too.
 */
export async function connectAs(user: string, endpoint: URL, mode: Mode): Promise<Connected> {
  const oauth = new OAuthClient(redirect_uri, {
    discovered: () => undefined,
    registered: () => undefined,
  })
  const callback = async (): Promise<URLSearchParams> => {
    if (!oauth.authorization_url) throw new Error('the SDK did not ask for authorization')
    const answer = await approve(oauth.authorization_url, { user, redirect_uri })
    return oauth.checkCallback(new URL(`?${answer.toString()}`, redirect_uri))
  }
  return mode === 'v1'
    ? connectV1(endpoint, oauth, callback)
    : connectV2(endpoint, oauth, callback, mode)
}

type Callback = () => Promise<URLSearchParams>

async function connectV2(
  endpoint: URL,
  oauth: OAuthClient,
  callback: Callback,
  mode: Exclude<Mode, 'v1'>,
): Promise<Connected> {
  const open = () => ({
    client: new Client(info, { versionNegotiation: { mode } }),
    transport: new StreamableHTTPClientTransport(endpoint, { authProvider: oauth }),
  })
  const refused = open()
  await unauthorized(refused.client.connect(refused.transport), UnauthorizedError)
  await refused.transport.finishAuth(await callback())
  const { client, transport } = open()
  await client.connect(transport)
  return {
    oauth,
    protocol_version: client.getNegotiatedProtocolVersion(),
    listTools: async () => (await client.listTools()).tools.map(({ name }) => name),
    callTool: async (name, args = {}) => answerOf(await client.callTool({ name, arguments: args })),
    close: () => client.close(),
  }
}

async function connectV1(
  endpoint: URL,
  oauth: OAuthClient,
  callback: Callback,
): Promise<Connected> {
  const open = () => new V1Transport(endpoint, { authProvider: oauth })
  const refused = open()
  await unauthorized(new V1Client(info).connect(refused), V1UnauthorizedError)
  await refused.finishAuth((await callback()).get('code') ?? '')
  const client = new V1Client(info)
  const transport = open()
  await client.connect(transport)
  return {
    oauth,
    protocol_version: transport.protocolVersion,
    listTools: async () => (await client.listTools()).tools.map(({ name }) => name),
    callTool: async (name, args = {}) => answerOf(await client.callTool({ name, arguments: args })),
    close: () => client.close(),
  }
}

function answerOf(answer: Readonly<Record<string, unknown>>): ToolAnswer {
  return {
    isError: answer['isError'] === true,
    structured: (answer['structuredContent'] ?? {}) as Record<string, unknown>,
  }
}

async function unauthorized(
  attempt: Promise<void>,
  expected: new (message?: string) => Error,
): Promise<void> {
  try {
    await attempt
  } catch (error) {
    if (error instanceof expected) return
    throw error
  }
  throw new Error('a client was let in that has no token')
}
