import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { parseTraceparent } from '../../../../../plugins/mcp-oidc/tracing/trace-context.ts'
import { tracedFetch } from '../../../../../plugins/mcp-oidc/tracing/traced-fetch.ts'
import { createTracer } from '../../../../../plugins/mcp-oidc/tracing/create-tracer.ts'
import { untraced } from '../../../../../plugins/mcp-oidc/tracing/tracer.ts'
import { recordingLog } from '../../../../support/fake-kong.ts'

describe('traceparent', () => {
  const trace_id = '4bf92f3577b34da6a3ce929d0e0e4736'
  const span_id = '00f067aa0ba902b7'

  it.each([`00-${trace_id}-${span_id}-01`, `cc-${trace_id}-${span_id}-01-what-comes-later`])(
    'O03 is read from %s',
    header => expect(parseTraceparent(header)).toEqual({ trace_id, span_id, flags: 1 }),
  )

  it.each([
    [undefined],
    [''],
    [[`00-${trace_id}-${span_id}-01`, `00-${trace_id}-${span_id}-00`]],
    [`ff-${trace_id}-${span_id}-01`],
    [`00-${trace_id}-${span_id}-01-more`],
    [`00-${'0'.repeat(32)}-${span_id}-01`],
    [`00-${trace_id}-${'0'.repeat(16)}-01`],
    [`00-${trace_id.toUpperCase()}-${span_id}-01`],
  ])('O03 is none in %j', header => expect(parseTraceparent(header)).toBeUndefined())
})

describe('without an endpoint', () => {
  it('O03 nothing is made', async () => {
    const tracer = createTracer(undefined, recordingLog())
    expect(tracer).toBe(untraced)
    expect(await tracer.request('a', undefined, {}, () => Promise.resolve(204))).toBe(204)
    const answer = await tracedFetch(tracer, () => Promise.resolve(new Response('ok')))(
      'https://idp.example/token?secret',
      { method: 'POST' },
    )
    expect(await answer.text()).toBe('ok')
  })
})

describe('an endpoint', () => {
  it('O03 that takes nothing costs no request, and is told in the log without what was sent', async () => {
    const collector = createServer((_request, response) => response.writeHead(400).end())
    collector.listen(0, '127.0.0.1')
    await once(collector, 'listening')
    const { port } = collector.address() as AddressInfo
    const log = recordingLog()
    const tracer = createTracer(`http://127.0.0.1:${port}`, log)
    expect(await tracer.request('a', undefined, {}, () => Promise.resolve(200))).toBe(200)
    await tracer.close()
    expect(JSON.stringify(log.entries)).toContain('export')
    collector.close()
  })

  it('O03 changes nothing about what fails', async () => {
    const tracer = createTracer('http://127.0.0.1:9', recordingLog())
    const failure = new Error('the app failed')
    const ask = tracedFetch(tracer, () => Promise.reject(failure))
    await expect(
      tracer.request(
        'a',
        undefined,
        {},
        async () => (await ask('https://idp.example/', {})).status,
      ),
    ).rejects.toBe(failure)
    await tracer.close()
  })
})
