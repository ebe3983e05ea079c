import { afterEach, describe, expect, it } from '@jest/globals'
import { openGateway } from './local-gateway.ts'

let gateway: Awaited<ReturnType<typeof openGateway>> | undefined
afterEach(async () => {
  await gateway?.close()
  gateway = undefined
})

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const tracestate = 'vendor=a:b;c, other=1'

describe('W3C trace context', () => {
  it('O03 reaches the upstream as the client sent it', async () => {
    gateway = await openGateway({})
    const headers = [
      'Authorization',
      'Bearer c',
      'traceparent',
      traceparent,
      'Tracestate',
      tracestate,
    ]
    expect((await gateway.send('/mcp', { headers })).status).toBe(200)
    expect(gateway.arrived[0]?.headers).toMatchObject({ traceparent, tracestate })
  })

  it('O03 is not made up where the client sent none', async () => {
    gateway = await openGateway({})
    await gateway.send('/mcp', { headers: ['Authorization', 'Bearer c'] })
    expect(gateway.arrived[0]?.headers).not.toHaveProperty('traceparent')
  })
})
