import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { PdkHost } from '../../gateway/local/kong-side/client.ts'
import type { Headers } from '../../gateway/plugin-server/pdk.ts'
import { temporaryDirectory } from '../support/plugin-server/temporary-directory.ts'
import type { StockClient } from './kong-pdk-kong.ts'
import { startStockServer } from './kong-pdk-servers.ts'

const every_byte = Uint8Array.from({ length: 256 }, (_, byte) => byte)
const stack = new AsyncDisposableStack()
let client: StockClient
let instance: number

beforeAll(async () => {
  const directory = stack.use(await temporaryDirectory())
  const plugins = join(import.meta.dirname, 'kong-pdk-plugins')
  const server = await startStockServer(join(directory.path, 'echo.sock'), plugins)
  stack.defer(() => server.close())
  client = server.client
  instance = await client.startInstance('echo', {})
})

afterAll(() => stack.disposeAsync())

/** Runs the echo plugin for one request, and keeps what it had Kong do. */
async function echo(content: Uint8Array, headers: Headers = {}) {
  const done: unknown[] = []
  const shared = new Map<string, unknown>()
  const host: PdkHost = {
    'kong.request.get_method': () => 'POST',
    'kong.request.get_path': () => '/echo',
    'kong.request.get_path_with_query': () => '/echo?q=1',
    'kong.request.get_raw_query': () => 'q=1',
    'kong.request.get_scheme': () => 'http',
    'kong.request.get_host': () => 'gw.example',
    'kong.request.get_port': () => 8000,
    'kong.request.get_forwarded_scheme': () => 'https',
    'kong.request.get_forwarded_host': () => 'gateway.example',
    'kong.request.get_forwarded_port': () => 443,
    'kong.request.get_header': name => [headers[name]].flat()[0],
    'kong.request.get_headers': limit => (limit === 1000 ? headers : {}),
    'kong.request.get_raw_body': () => ({ content }),
    'kong.client.get_ip': () => '10.0.0.1',
    'kong.client.get_forwarded_ip': () => '192.0.2.1',
    'kong.node.get_id': () => 'node-1',
    'kong.response.set_header': pair => void done.push(pair),
    'kong.response.set_headers': set => void done.push(set),
    'kong.service.request.set_header': pair => void done.push(pair),
    'kong.service.request.clear_header': name => void done.push(name),
    'kong.ctx.shared.set': ([key, value]) => void shared.set(key, value),
    'kong.ctx.shared.get': key => shared.get(key) as string,
    'kong.log.info': () => undefined,
    'kong.log.warn': values => void done.push(values),
  }
  const outcome = await client.handleEvent(instance, 'access', host)
  if (outcome.kind !== 'exit') throw new Error('the echo plugin did not exit')
  return { ...outcome, told: shared.get('told'), done }
}

describe("our PDK over kong-pdk's", () => {
  it('carries every byte of a body both ways, and a list of cookies', async () => {
    const { status, body, headers } = await echo(every_byte)
    expect(status).toBe(200)
    expect([...body]).toEqual([...every_byte])
    expect(headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2'])
  })

  it('exits without body and headers', async () => {
    expect(await echo(new Uint8Array())).toMatchObject({ status: 204, headers: {} })
    expect((await echo(new Uint8Array())).body).toHaveLength(0)
  })

  it('gives a header once as a string, several times as a list, and an absent one as nothing', async () => {
    const headers = { 'x-one': 'Größe', 'x-list': ['1', '2'], 'x-empty': '' }
    const { told } = await echo(every_byte, headers)
    expect(told).toMatchObject({ headers, header: '1', missing: true, empty: true })
  })

  it('gives each of several calls that are made at once its own reply', async () => {
    const { told } = await echo(every_byte)
    expect(told).toMatchObject({ at_once: ['10.0.0.1', 'POST', null, 443] })
  })

  it('passes on what Kong says of request, client and node', async () => {
    const { told, headers } = await echo(every_byte)
    expect(told).toMatchObject({
      request: [
        'POST',
        '/echo',
        '/echo?q=1',
        'q=1',
        'http',
        'gw.example',
        8000,
        'https',
        'gateway.example',
        443,
      ],
      client: ['10.0.0.1', '192.0.2.1'],
      node: 'node-1',
    })
    expect(JSON.parse(String(headers['x-shared']))).toEqual(told)
  })

  it('passes on what the plugin sets, clears and logs', async () => {
    const { done } = await echo(every_byte)
    expect(done).toEqual([
      ['x-one', '1'],
      { 'x-two': ['1', '2'] },
      ['x-user-id', 'usr_1'],
      'cookie',
      ['told', 1],
    ])
  })
})
