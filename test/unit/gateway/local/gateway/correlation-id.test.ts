import { describe, expect, it } from '@jest/globals'
import { correlation_id } from '../../../../../gateway/local/gateway/correlation-id.ts'
import type { Exchange } from '../../../../../gateway/local/gateway/exchange.ts'
import { HeaderLines } from '../../../../../gateway/local/gateway/header-lines.ts'
import { startPlugin } from './plugin.ts'

function start(config: object) {
  const phases = startPlugin(correlation_id, config)
  return async (raw: readonly string[]) => {
    const headers = new HeaderLines(raw)
    const response = new HeaderLines()
    const exchange = { headers, serialize_values: new Map() } as unknown as Exchange
    await phases.access?.(exchange)
    phases.header_filter?.(exchange, response)
    return { headers, response }
  }
}

describe('correlation-id', () => {
  it('keeps an id that is there', async () => {
    const { headers, response } = await start({ header_name: 'X-Id', echo_downstream: true })([
      'x-id',
      'mine',
    ])
    expect([headers.raw, response.raw]).toEqual([
      ['x-id', 'mine'],
      ['X-Id', 'mine'],
    ])
  })

  it('counts within a worker, and tells nobody unless asked', async () => {
    const run = start({})
    const [first, second] = [await run([]), await run([])].map(
      ({ headers }) => headers.values('kong-request-id')[0],
    )
    expect(first).toMatch(/^[0-9a-f-]{36}#1$/)
    expect(second).toBe(first?.replace('#1', '#2'))
    expect((await run([])).response.raw).toEqual([])
  })
})
