import { McpServer } from '@modelcontextprotocol/server'
import { callTool, type Surroundings, type ToolCall } from './call-tool.ts'
import type { Era } from './exchange.ts'
import { RecordedServer } from './recorded-server.ts'

const IDENTITY = { name: 'mcp-server', title: 'Companies', version: '1.0.0' }

/**
 * The MCP server of one request. The SDK lists the tools that the caller may use, when asked to, but `callTool` calls
 * them: the SDK's own handler checks arguments and finds unknown tools without anyone to record it.
 */
export function createServer(
  surroundings: Surroundings,
  era: Era,
  track: <T>(call: Promise<T>) => Promise<T>,
): McpServer {
  const options = {
    capabilities: { tools: { listChanged: false } },
    // Two callers see two lists, and roles change.
    cacheHints: { 'tools/list': { ttlMs: 0, cacheScope: 'private' } } as const,
    instructions:
      'Find companies with search_companies, then read one with get_company. ' +
      'What you see depends on the organisation of the user who is signed in.',
  }
  const server =
    era === 'legacy'
      ? new RecordedServer(surroundings.recorder, IDENTITY, options)
      : new McpServer(IDENTITY, options)
  if (surroundings.lists) list(server, surroundings)
  server.server.setRequestHandler('tools/call', async ({ params }: { params: ToolCall }) =>
    track(callTool(surroundings, params)),
  )
  return server
}

function list(server: McpServer, { tools, access }: Surroundings): void {
  const shown = tools.filter(({ name }) => access.shows(name))
  if (shown.length === 0) server.server.setRequestHandler('tools/list', () => ({ tools: [] }))
  for (const tool of shown) {
    server.registerTool(tool.name, tool.listing, () => {
      throw new Error('tools are called by callTool')
    })
  }
}
