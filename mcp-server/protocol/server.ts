import { McpServer } from '@modelcontextprotocol/server'
import { callTool, type Surroundings, type ToolCall } from './call-tool.ts'
import type { Progress } from '../tools/tool.ts'
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
  server.server.setRequestHandler(
    'tools/call',
    async ({ params }: { params: ToolCall & RequestMeta }, { mcpReq: { notify, signal } }) => {
      const progressToken = params._meta?.progressToken
      const progress = async (told: Progress) => {
        if (progressToken === undefined || signal.aborted) return
        try {
          await notify({ method: 'notifications/progress', params: { progressToken, ...told } })
        } catch (error) {
          // Whoever does not hear of it may still get the answer, and what was written is written.
          surroundings.log.info({ err: error }, 'progress could not be told')
        }
      }
      return track(callTool(surroundings, params, { signal, progress }))
    },
  )
  return server
}

interface RequestMeta {
  readonly _meta?: { readonly progressToken?: string | number | undefined } | undefined
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
