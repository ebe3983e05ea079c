import { setTimeout as pause } from 'node:timers/promises'
import {
  completable,
  createMcpHandler,
  fromJsonSchema,
  localhostAllowedOrigins,
  type McpHttpHandler,
  McpServer,
  originValidationResponse,
  ResourceTemplate,
  type ServerNotifier,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { addInputRequired, round_state } from './fixture-input.ts'

const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='
const wav = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA='
const text = (words: string) => ({ type: 'text', text: words }) as const
const image = { type: 'image', data: png, mimeType: 'image/png' } as const
const resource = (uri: string, mimeType: string, words: string) =>
  ({ type: 'resource', resource: { uri, mimeType, text: words } }) as const

/**
 * What the conformance suite asks of a server, as far as a server without sessions can have it: each
 * request stands alone, as upstream of the gateway, and in both eras.
 */
export function createFixtureHandler(): McpHttpHandler {
  const handler = createMcpHandler(() => {
    const server = new McpServer(
      { name: 'conformance-fixtures', version: '1.0.0' },
      { capabilities: { logging: {}, completions: {} }, requestState: round_state },
    )
    addTools(server)
    addInputRequired(server)
    addChanges(server, handler.notify)
    addResources(server)
    addPrompts(server)
    return server
  })
  const fetch: McpHttpHandler['fetch'] = async (request, options) =>
    originValidationResponse(request, localhostAllowedOrigins()) ?? handler.fetch(request, options)
  return { ...handler, fetch }
}

/** Tools that say that a list has changed, to whoever listens. */
function addChanges(server: McpServer, notify: ServerNotifier): void {
  const changed = { content: [text('changed')] }
  server.registerTool('test_trigger_tool_change', { description: 'Tells of tools' }, () => {
    notify.toolsChanged()
    return changed
  })
  server.registerTool('test_trigger_prompt_change', { description: 'Tells of prompts' }, () => {
    notify.promptsChanged()
    return changed
  })
}

function addTools(server: McpServer): void {
  const plain = {
    test_simple_text: [text('This is a simple text response for testing.')],
    test_image_content: [image],
    test_audio_content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' } as const],
    test_embedded_resource: [
      resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.'),
    ],
    test_multiple_content_types: [
      text('Multiple content types test:'),
      image,
      resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ],
  }
  for (const [name, content] of Object.entries(plain))
    server.registerTool(name, { description: `Gives ${name}` }, () => ({ content }))
  server.registerTool('test_error_handling', { description: 'Fails' }, () => {
    throw new Error('This tool intentionally returns an error for testing')
  })
  server.registerTool('test_tool_with_logging', { description: 'Logs' }, async context => {
    for (const line of ['started', 'data', 'completed']) {
      await context.mcpReq.notify({
        method: 'notifications/message',
        params: { level: 'info', data: `Tool ${line}` },
      })
      await pause(50)
    }
    return { content: [text('done')] }
  })
  server.registerTool(
    'test_tool_with_progress',
    { description: 'Tells how far' },
    async context => {
      const progressToken = context.mcpReq._meta?.progressToken
      for (const progress of [0, 50, 100]) {
        if (progressToken !== undefined)
          await context.mcpReq.notify({
            method: 'notifications/progress',
            params: { progressToken, progress, total: 100 },
          })
        await pause(50)
      }
      return { content: [text('done')] }
    },
  )
  server.registerTool('test_logging_tool', { description: 'Logs when asked to' }, async context => {
    // Sent only when the request says from which level on.
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- as logging is; the suite asks for it
    await context.mcpReq.log('info', 'working')
    return { content: [text('done')] }
  })
  const region = { type: 'string', 'x-mcp-header': 'Region' } as const
  server.registerTool(
    'test_x_mcp_header',
    {
      description: 'Has an argument that a header repeats',
      inputSchema: fromJsonSchema({
        type: 'object',
        properties: { region },
        required: ['region'],
      }),
    },
    () => ({ content: [text('done')] }),
  )
  const inputSchema = fromJsonSchema({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
      address: {
        $anchor: 'addressDef',
        type: 'object',
        properties: { street: { type: 'string' }, city: { type: 'string' } },
      },
    },
    properties: {
      name: { type: 'string' },
      address: { $ref: '#/$defs/address' },
      contactMethod: { type: 'string', enum: ['phone', 'email'] },
      phone: { type: 'string' },
      email: { type: 'string' },
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false,
  })
  server.registerTool(
    'json_schema_2020_12_tool',
    { description: 'Tool with JSON Schema 2020-12 features', inputSchema },
    () => ({ content: [text('done')] }),
  )
}

function addResources(server: McpServer): void {
  const told = 'This is the content of the static text resource.'
  server.registerResource(
    'static-text',
    'test://static-text',
    { description: 'A text', mimeType: 'text/plain' },
    uri => ({ contents: [{ uri: uri.href, mimeType: 'text/plain', text: told }] }),
  )
  server.registerResource(
    'static-binary',
    'test://static-binary',
    { description: 'A picture', mimeType: 'image/png' },
    uri => ({ contents: [{ uri: uri.href, mimeType: 'image/png', blob: png }] }),
  )
  server.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { description: 'By an id', mimeType: 'application/json' },
    (uri, { id }) => ({
      contents: [
        {
          uri: uri.href,
          mimeType: 'application/json',
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
        },
      ],
    }),
  )
}

function addPrompts(server: McpServer): void {
  const from_user = <C>(content: C) => ({ role: 'user' as const, content })
  server.registerPrompt('test_simple_prompt', { description: 'Simple' }, () => ({
    messages: [from_user(text('This is a simple prompt for testing.'))],
  }))
  server.registerPrompt(
    'test_prompt_with_arguments',
    {
      description: 'With arguments',
      argsSchema: z.object({
        arg1: completable(z.string().describe('First'), value => [`${value}1`]),
        arg2: z.string().describe('Second'),
      }),
    },
    ({ arg1, arg2 }) => ({
      messages: [from_user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))],
    }),
  )
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    {
      description: 'With a resource',
      argsSchema: z.object({ resourceUri: z.string().describe('Which') }),
    },
    ({ resourceUri }) => ({
      messages: [
        from_user(resource(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
        from_user(text('Please process the embedded resource above.')),
      ],
    }),
  )
  server.registerPrompt('test_prompt_with_image', { description: 'With a picture' }, () => ({
    messages: [from_user(image), from_user(text('Please analyze the image above.'))],
  }))
}
