import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { tools } from '../../../mcp-server/tools/tools.ts'
import { GLOBEX } from './assertion.ts'
import { bearer, startServer, type TestServer } from './server.ts'

const INFO = { name: 'test', version: '1.0.0' }

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

type Mode = 'legacy' | 'auto' | { pin: string }

async function connectV2(mode: Mode, path: string) {
  const client = new Client(INFO, { versionNegotiation: { mode } })
  const headers = await bearer(GLOBEX)
  const url = new URL(server.url + path)
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }))
  return client
}

async function connectV1(path: string) {
  const client = new V1Client(INFO)
  const headers = await bearer(GLOBEX)
  const transport = new V1Transport(new URL(server.url + path), { requestInit: { headers } })
  // v1 was not written for exactOptionalPropertyTypes.
  await client.connect(transport)
  return client
}

const clients: [
  string,
  string | undefined,
  (path: string) => ReturnType<typeof connectV2 | typeof connectV1>,
][] = [
  ['v2, initialize', '2025-11-25', path => connectV2('legacy', path)],
  ['v2, negotiating', '2026-07-28', path => connectV2('auto', path)],
  ['v2, pinned', '2026-07-28', path => connectV2({ pin: '2026-07-28' }, path)],
  ['v1', undefined, connectV1],
]

describe.each(clients)('the client %s', (name, version, connect) => {
  it.each(['/mcp', '/mcp/'])('M03 lists and calls tools on %s', async path => {
    const client = await connect(path)
    try {
      if (client instanceof Client) expect(client.getNegotiatedProtocolVersion()).toBe(version)
      const listed = await client.listTools()
      expect(listed.tools.map(tool => tool.name)).toEqual(tools.map(({ name }) => name))
      const called = await client.callTool({ name: 'whoami', arguments: {} })
      expect(called.structuredContent).toMatchObject({ org_id: 'globex', user_id: 'usr_erin' })
    } finally {
      await client.close()
    }
  })

  it('M03 hears how far a call has come', async () => {
    const client = await connect('/mcp')
    try {
      const found = await client.callTool({ name: 'search_companies', arguments: { limit: 1 } })
      const { companies } = found.structuredContent as { companies: { id: string }[] }
      const args = { list_name: `By ${name}`, company_id: companies[0]?.id }
      const heard: object[] = []
      const onprogress = (progress: object) => void heard.push(progress)
      const call = { name: 'add_to_list', arguments: args }
      const { structuredContent } = await (client instanceof Client
        ? client.callTool(call, { onprogress })
        : client.callTool(call, undefined, { onprogress }))
      expect(structuredContent).toMatchObject({ added: true })
      // And no word of what came of it, which is not on record before the answer.
      expect(heard).toEqual([
        { progress: 0, total: 1, message: 'Looking for the company and the list' },
      ])
    } finally {
      await client.close()
    }
  })

  it('M03 gets schemas, annotations and errors it can use', async () => {
    const client = await connect('/mcp')
    try {
      const { tools: listed } = await client.listTools()
      for (const tool of listed) {
        expect(tool.description).toBeTruthy()
        expect(tool.outputSchema).toMatchObject({ type: 'object' })
        expect(tool.annotations?.readOnlyHint).toBe(tool.name !== 'add_to_list')
      }
      const search = listed.find(({ name }) => name === 'search_companies')
      expect(search?.inputSchema.properties).toMatchObject({
        limit: { type: 'integer', maximum: 50, description: expect.any(String) },
        cursor: { type: 'string' },
      })
      expect(search?.inputSchema.required ?? []).toEqual([])
      const wrong = await client.callTool({ name: 'get_company', arguments: { id: 7 } })
      expect(wrong.isError).toBe(true)
      await expect(client.callTool({ name: 'nothing', arguments: {} })).rejects.toMatchObject({
        code: -32_602,
      })
    } finally {
      await client.close()
    }
  })
})

it('M03 tells a client that it may not come in', async () => {
  const refused = new Client(INFO)
  const transport = new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`))
  await expect(refused.connect(transport)).rejects.toThrow(/invalid_token/)
})
