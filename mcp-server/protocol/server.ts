import { McpServer } from '@modelcontextprotocol/server'
import { callTool, type Surroundings, type ToolCall } from './call-tool.ts'
import { RecordedServer } from './recorded-server.ts'

const IDENTITY = { name: 'mcp-server', title: 'Companies', version: '1.0.0' }

/**
 * The MCP server of one request. Its tools are listed by the SDK but called by `callTool`: the
 * SDK's own handler checks arguments and finds unknown tools without anyone to record it.
 */
export function createServer(
  surroundings: Surroundings,
  era: 'legacy' | 'modern',
  track: <T>(call: Promise<T>) => Promise<T>,
): McpServer {
  const options = {
    capabilities: { tools: { listChanged: false } },
    instructions:
      'Find companies with search_companies, then read one with get_company. ' +
      'What you see depends on the organisation of the user who is signed in.',
  }
  const server =
    era === 'legacy'
      ? new RecordedServer(surroundings.recorder, IDENTITY, options)
      : new McpServer(IDENTITY, options)
  for (const tool of surroundings.tools) {
    server.registerTool(tool.name, tool.listing, () => {
      throw new Error('tools are called by callTool')
    })
  }
  server.server.setRequestHandler('tools/call', async ({ params }: { params: ToolCall }) =>
    track(callTool(surroundings, params)),
  )
  return server
}
