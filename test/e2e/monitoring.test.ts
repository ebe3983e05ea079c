import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { obtainTokens, refresh } from '../support/oauth-flow.ts'
import { type RunningPrometheus, startPrometheus } from '../support/prometheus.ts'
import { alertQueries, dashboardQueries, type Query } from '../support/promql.ts'
import { runnableBlock } from '../support/runnable-docs.ts'
import { describeOwnStack, openGateway, type OpenGateway, ownStack } from '../support/stack.ts'
import { callWhoami } from '../support/tool-call.ts'

/** Milliseconds: two scrapes, and the time a busy machine takes for them. */
const patience = 45_000

/** What is counted happens: a sign-in, calls, a refusal, a refresh, an end. */
async function useIt(url: string): Promise<void> {
  const { client, access_token, refresh_token } = await obtainTokens(url)
  expect((await fetch(`${url}/console`, { redirect: 'manual' })).status).toBe(302)
  const call = () => callWhoami(url, { token: access_token })
  expect((await call()).status).toBe(200)
  expect((await callWhoami(url)).status).toBe(401)
  const refreshed = await refresh(url, client.client_id, refresh_token)
  expect(refreshed.status).toBe(200)
  const { status } = await fetch(`${url}/revoke`, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: client.client_id,
      token: refreshed.body.refresh_token,
    }),
  })
  expect(status).toBe(200)
}

/** After which this address registers nothing for the rest of the minute. */
async function goBeyondALimit(url: string): Promise<void> {
  const register = () => fetch(`${url}/register`, { method: 'POST', body: 'no metadata' })
  const answers = await Promise.all(Array.from({ length: 210 }, register))
  expect(answers.map(answer => answer.status)).toContain(429)
}

describeOwnStack('what Prometheus sees', 'the ports of its metrics', () => {
  let gateway: OpenGateway
  let prometheus: RunningPrometheus
  const stops: (() => Promise<void>)[] = []
  beforeAll(async () => {
    gateway = await openGateway(undefined, undefined, { with_console: true })
    stops.push(() => gateway.close())
    const { metrics_ports } = ownStack(gateway)
    prometheus = await startPrometheus({
      'kong:8100': new URL(gateway.status_url ?? '').host,
      'kong:9464': `127.0.0.1:${metrics_ports.plugin_server}`,
      'mcp-server:9465': `127.0.0.1:${metrics_ports.mcp_server}`,
      'console:9466': `127.0.0.1:${metrics_ports.console}`,
    })
    stops.push(() => prometheus.stop())
    await useIt(gateway.url)
  }, 90_000)
  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop()
  })

  /** The queries that give no series, once that has not changed for a while. */
  async function withoutSeries(queries: readonly Query[]): Promise<readonly Query[]> {
    const until = performance.now() + patience
    let left = queries
    for (;;) {
      const answers = await Promise.all(left.map(({ expr }) => prometheus.query(expr)))
      left = left.filter((_, index) => answers[index]?.length === 0)
      if (left.length === 0 || performance.now() > until) return left
      await new Promise(resolve => setTimeout(resolve, 300))
    }
  }

  it('is what a client of docs/connect.md finds, too', async () => {
    const script = runnableBlock('demo').replace('http://localhost:8000', gateway.url)
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
    })
    expect(stdout).toContain('tools/call search_companies')
  }, 60_000)

  it(
    'O02 every query of the dashboard has a series',
    async () => {
      await goBeyondALimit(gateway.url)
      expect(dashboardQueries().length).toBeGreaterThan(40)
      expect(await withoutSeries(dashboardQueries())).toEqual([])
    },
    patience * 2,
  )

  it(
    'O02 everything that an alert compares has a series, and nothing fires that should not',
    async () => {
      expect(await withoutSeries(alertQueries())).toEqual([])
      const { groups } = (await prometheus.get('/api/v1/rules')) as {
        groups: { rules: { name: string; health: string; state: string }[] }[]
      }
      const rules = groups.flatMap(group => group.rules)
      expect(rules.filter(({ health }) => health === 'err')).toEqual([])
      expect(rules.filter(({ state }) => state === 'firing')).toEqual([])
    },
    patience * 2,
  )

  it('O02 no series names a person, an organization, a client or a connection', async () => {
    const names = (await prometheus.get('/api/v1/labels')) as readonly string[]
    const values = await Promise.all(
      names.map(name => prometheus.get(`/api/v1/label/${name}/values`)),
    )
    expect(values.length).toBeGreaterThan(10)
    expect(
      values.flat().filter(value => /usr_|con_|@|acme|Test client/.test(String(value))),
    ).toEqual([])
  })
})
