import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import { addToList, savedLists } from '../../../mcp-server/data/saved-lists.ts'
import { visibleRows } from '../../../mcp-server/data/visible-rows.ts'
import type { Tool, ToolContext } from '../../../mcp-server/tools/tool.ts'
import { tools } from '../../../mcp-server/tools/tools.ts'
import { bearer, post, startServer, type TestServer } from './server.ts'

const MODERN = '2026-07-28'
const told = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

type Way = 'one body' | 'a stream' | '2026-07-28'
const ways: readonly Way[] = ['one body', 'a stream', '2026-07-28']

let server: TestServer
/** What a tool does with its call. */
let behave: (context: ToolContext) => Promise<Record<string, unknown>>
let began: PromiseWithResolvers<undefined>
let company_id: string

const patient: Tool = {
  ...(tools.find(({ name }) => name === 'whoami') as Tool),
  name: 'patient',
  writes: true,
  prepare: () => ({ input: {}, run: context => behave(context) }),
}

beforeAll(async () => {
  server = await startServer({ tools: [...tools, patient] })
  const { id } = await visibleRows(server.data, 'acme')
    .selectFrom('companies')
    .select('id')
    .executeTakeFirstOrThrow()
  company_id = id
})
afterAll(() => server.stop())
beforeEach(() => {
  began = Promise.withResolvers()
})

async function call(name: string, way: Way, signal?: AbortSignal) {
  const _meta = { ...(way !== 'one body' && { progressToken: 'p' }), ...(way === MODERN && told) }
  const body = {
    ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
    params: { name, arguments: {}, _meta },
  }
  const headers = {
    ...(await bearer()),
    ...(way === MODERN && {
      ...{ 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': name },
    }),
  }
  return post(server, body, headers, signal)
}

/** What is on record of a tool, once there are so many events. */
async function outcomes(tool: string, least: number) {
  for (;;) {
    const events = (await server.events()).filter(event => event.tool === tool)
    if (events.length >= least)
      return events.map(({ outcome, error_code }) => [outcome, error_code])
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

describe.each(ways)('a call that is answered with %s', way => {
  it('stops when its client has gone: nothing is written, and it is on record as cancelled', async () => {
    const before = (await outcomes('patient', 0)).length
    const stopped = Promise.withResolvers<unknown>()
    behave = async ({ data, identity: { org_id, user_id }, signal }) => {
      began.resolve(undefined)
      if (!signal.aborted) await once(signal, 'abort')
      try {
        await addToList(data, org_id, {
          ...{ list: { name: `Not for ${way}` }, company_id, added_by: user_id, signal },
        })
        stopped.resolve('it was written')
      } catch (error) {
        stopped.resolve(error === signal.reason)
        throw error
      }
      return {}
    }
    const client = new AbortController()
    const answer = call('patient', way, client.signal).then(response => response.text())
    await began.promise
    client.abort()
    await expect(answer).rejects.toThrow('abort')
    expect(await stopped.promise).toBe(true)
    expect((await outcomes('patient', before + 2)).slice(before)).toEqual([
      ['started', null],
      ['error', 'cancelled'],
    ])
    expect(await savedLists(server.data, 'acme')).not.toContainEqual(
      expect.objectContaining({ name: `Not for ${way}` }),
    )
  })

  it('fails as any other when it fails while its client waits', async () => {
    const before = (await outcomes('patient', 0)).length
    behave = () => Promise.reject(new DOMException('its own', 'AbortError'))
    expect(await (await call('patient', way)).text()).toContain('The tool failed')
    expect((await outcomes('patient', before + 2)).slice(before)).toEqual([
      ['started', null],
      ['error', 'internal_error'],
    ])
  })
})
