import { afterEach, describe, expect, it } from '@jest/globals'
import { openGateway } from './local-gateway.ts'

type Opened = Awaited<ReturnType<typeof openGateway>>
let gateway: Opened | undefined

afterEach(async () => {
  await gateway?.close()
  gateway = undefined
})

const all =
  '{ name: prometheus, config: { status_code_metrics: true, latency_metrics: true, bandwidth_metrics: true } }'

async function open(...plugins: string[]) {
  const opened = (gateway = await openGateway({
    plugins,
    access: async kong => {
      if ((await kong.request.getPath()) === '/token') return kong.response.exit(401, '{}')
      await kong.service.request.setHeaders({ Authorization: 'Bearer assertion' })
    },
    options: { status_port: 0 },
  }))
  const url = `http://127.0.0.1:${opened.status_port}`
  /** Sends a request and waits until it is counted. */
  const send = async (path: string) => {
    const counted = opened.nextEvent('request')
    await opened.send(path, { headers: ['Authorization', 'Bearer client'] })
    await counted
  }
  return { ...opened, send, status: (path: string) => fetch(`${url}${path}`) }
}

describe('the metrics', () => {
  it('O02 are Kong’s, by name and label, and name no user', async () => {
    const { send, status } = await open(all)
    for (const path of ['/mcp', '/mcp', '/token', '/nowhere']) await send(path)
    const response = await status('/metrics')
    expect(response.headers.get('content-type')).toContain('text/plain')
    const text = await response.text()
    const of_mcp = 'service="upstream",route="mcp",workspace="default"'
    for (const line of [
      'kong_http_requests_total{service="upstream",route="mcp",workspace="default",code="200",source="service",consumer=""} 2',
      'kong_http_requests_total{service="",route="answered",workspace="default",code="401",source="kong",consumer=""} 1',
      `kong_request_latency_ms_count{${of_mcp}} 2`,
      `kong_upstream_latency_ms_count{${of_mcp}} 2`,
      `kong_kong_latency_ms_count{${of_mcp}} 2`,
      'kong_kong_latency_ms_count{service="",route="answered",workspace="default"} 1',
      'kong_datastore_reachable 1',
    ]) {
      expect(text.split('\n')).toContain(line)
    }
    expect(text).toMatch(/^kong_bandwidth_bytes\{service="upstream".*direction="egress".*\} \d+$/m)
    expect(text).toMatch(/^kong_bandwidth_bytes\{service="upstream".*direction="ingress".*\} \d+$/m)
    expect(text).toMatch(/^kong_nginx_connections_total\{.*subsystem="http",state="accepted"\} 4$/m)
    expect(text).toMatch(/^kong_nginx_requests_total\{.*subsystem="http"\} 4$/m)
    expect(text).not.toContain('kong_upstream_latency_ms_count{service=""')
    expect(text).not.toContain('usr_')
  })

  it('O02 are those that were asked for', async () => {
    const { send, status } = await open('{ name: prometheus, config: { bandwidth_metrics: true } }')
    await send('/mcp')
    const text = await (await status('/metrics')).text()
    expect(text).toMatch(/^kong_bandwidth_bytes\{/m)
    expect(text).not.toMatch(/^kong_(http_requests_total|request_latency_ms_count)\{/m)
  })
})

describe('the status', () => {
  it('O04 is ready once requests are taken, and tells the configuration apart', async () => {
    const { configure, reload, status } = await open()
    const ready = await status('/status/ready')
    expect([ready.status, await ready.json()]).toEqual([200, { message: 'ready' }])
    const before = (await (await status('/status')).json()) as Record<string, unknown>
    expect(before).toMatchObject({ server: { connections_active: 0 } })
    await configure({ plugins: [all] })
    await reload()
    const after = (await (await status('/status')).json()) as Record<string, unknown>
    expect(after['configuration_hash']).not.toBe(before['configuration_hash'])
  })

  it('answers nothing else', async () => {
    const { status, status_port } = await open()
    expect((await status('/')).status).toBe(404)
    const posted = await fetch(`http://127.0.0.1:${status_port}/status`, { method: 'POST' })
    expect(posted.status).toBe(405)
  })
})
