import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

import { describe, expect, it } from '@jest/globals'
import { pino } from 'pino'

import type { PluginInstance, PluginModule } from '../../../../gateway/plugin-server/plugin.ts'
import { readinessProblems } from '../../../../gateway/plugin-server/readiness.ts'
import { Instances } from '../../../../gateway/plugin-server/instances.ts'
import { startStatusServer } from '../../../../gateway/plugin-server/status-server.ts'
import { memoryLog } from '../../../support/plugin-server/memory-log.ts'
import { pluginModule } from '../../../support/plugin-server/plugin-module.ts'

/** Instances of a plugin whose `ready` is the given one, as many as there are. */
function instancesWith(...answers: readonly (PluginInstance['ready'] | 'refused')[]) {
  const { log, lines } = memoryLog()
  let next: PluginInstance['ready']
  const module: PluginModule = {
    ...pluginModule(() => Promise.resolve()),
    Plugin: class implements PluginInstance {
      readonly ready = next ?? (() => Promise.resolve())
      access(): Promise<void> {
        return Promise.resolve()
      }
    },
  }
  const instances = new Instances({ module, log, drain_ms: 10 })
  for (const [id, answer] of answers.entries()) {
    if (answer !== 'refused') next = answer
    instances.open({ id, name: 'pbtest', config: answer === 'refused' ? 'no JSON' : '{}' })
  }
  const problems = (ending = false) =>
    readinessProblems({ instances, log, ending: () => ending, patience: 20 })
  return { problems, lines }
}

const away = () => Promise.reject(new Error('the database does not answer'))
const well = () => Promise.resolve()

describe('readiness', () => {
  it('O04 is there before the first request, which is what makes Kong start an instance', async () => {
    expect(await instancesWith().problems()).toEqual([])
  })

  it('O04 is there when every instance is ready, or says nothing about it', async () => {
    expect(await instancesWith(well, undefined).problems()).toEqual([])
  })

  it('O04 is not there when one instance is not ready, and each reason is told once', async () => {
    const { problems, lines } = instancesWith(well, away, away)
    expect(await problems()).toEqual(['the database does not answer'])
    expect(lines.map(({ msg }) => msg)).toContain('a plugin instance is not ready')
  })

  it('O04 is not there when an instance does not say in time', async () => {
    const { promise: never } = Promise.withResolvers<undefined>()
    const [problem] = await instancesWith(() => never).problems()
    expect(problem).toContain('within 20 ms')
  })

  it('O04 is not there when every configuration was refused', async () => {
    expect(await instancesWith('refused', 'refused').problems()).toEqual([
      'no configuration of the plugin is usable: the log says why',
    ])
    expect(await instancesWith('refused', well).problems()).toEqual([])
  })

  it('O04 is not there while the plugin server ends', async () => {
    expect(await instancesWith(well).problems(true)).toEqual(['the plugin server is ending'])
  })
})

async function open(
  problems: () => Promise<readonly string[]>,
  metrics = () => well().then(() => ''),
) {
  const { log, lines } = memoryLog()
  const server = startStatusServer({ host: '127.0.0.1', port: 0, log, metrics, problems })
  const url = `http://127.0.0.1:${await server.listening}`
  return { url, lines, [Symbol.asyncDispose]: () => server.close() }
}

describe('the status server', () => {
  it('O04 answers 200 when ready and 503 with the reasons when not', async () => {
    let reasons: readonly string[] = []
    await using status = await open(() => Promise.resolve(reasons))
    const ask = async (path: string) => {
      const response = await fetch(status.url + path)
      return { status: response.status, body: await response.json() }
    }
    expect(await ask('/readyz')).toEqual({ status: 200, body: { status: 'ready' } })
    reasons = ['the database does not answer']
    expect(await ask('/readyz')).toEqual({ status: 503, body: { status: 'unavailable', reasons } })
    expect(await ask('/healthz')).toEqual({ status: 200, body: { status: 'ok' } })
  })

  it('O02 serves the metrics, to those who only read', async () => {
    await using status = await open(
      () => Promise.resolve([]),
      () => Promise.resolve('a_metric 1\n'),
    )
    const response = await fetch(`${status.url}/metrics`)
    expect(response.headers.get('content-type')).toContain('version=0.0.4')
    expect(await response.text()).toBe('a_metric 1\n')
    expect((await fetch(`${status.url}/metrics`, { method: 'POST' })).status).toBe(404)
    expect((await fetch(`${status.url}/elsewhere`)).status).toBe(404)
  })

  it('O02 tells the log what went wrong, and the asker nothing', async () => {
    await using status = await open(
      () => Promise.resolve([]),
      () => Promise.reject(new Error('a private detail')),
    )
    const response = await fetch(`${status.url}/metrics`)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('private')
    expect(JSON.stringify(status.lines)).toContain('a private detail')
  })

  it('O02 complains once about a taken port, and has it as soon as it is free', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const lines: { level: number; msg: string }[] = []
    const { promise: complained, resolve } = Promise.withResolvers<undefined>()
    const write = (line: string) => {
      lines.push(JSON.parse(line) as (typeof lines)[number])
      resolve(undefined)
    }
    const server = startStatusServer({
      host: '127.0.0.1',
      port,
      log: pino({}, { write }),
      metrics: () => Promise.resolve(''),
      problems: () => Promise.resolve([]),
      retry_ms: 1,
    })
    await complained
    other.close()
    expect(await server.listening).toBe(port)
    expect(lines.filter(({ level }) => level >= 50)).toHaveLength(1)
    await server.close()
  })
})
