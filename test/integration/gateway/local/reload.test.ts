import { Agent, request } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from '@jest/globals'
import { openGateway } from './local-gateway.ts'

type Opened = Awaited<ReturnType<typeof openGateway>>
let gateway: Opened | undefined

afterEach(async () => {
  await gateway?.close()
  gateway = undefined
})

async function open(setup: Parameters<typeof openGateway>[0] = {}): Promise<Opened> {
  gateway = await openGateway({ ...setup, options: { now: () => 0, ...setup.options } })
  return gateway
}

const limit = (minute: number) =>
  `{ name: ip-rate-limiting, config: { limit_by: ip, minute: ${minute} } }`
const token = { headers: ['Authorization', 'Bearer client'] }

describe('a reload', () => {
  it('G07 puts changed limits into force, with what was counted before', async () => {
    const { configure, reload, send } = await open({ mcp_plugins: [limit(2)] })
    const statuses = async (count: number) => {
      const answers: unknown[] = []
      for (let n = 0; n < count; n += 1) answers.push((await send('/mcp', token)).status)
      return answers
    }
    expect(await statuses(3)).toEqual([200, 200, 429])
    await configure({ mcp_plugins: [limit(4)] })
    await reload()
    expect(await statuses(3)).toEqual([200, 200, 429])
    await configure({})
    await reload()
    expect(await statuses(2)).toEqual([200, 200])
  })

  it('G07 G08 loses no connection and no stream', async () => {
    let stream: ServerResponse | undefined
    const { configure, port, reload } = await open({
      upstream: (incoming, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        if (incoming.headers['x-stream']) {
          stream = response
          response.write('data: one\n\n')
        } else response.end('ok')
      },
    })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = async (headers: Record<string, string> = {}, by: Agent | false = agent) => {
      const all = { authorization: 'Bearer client', ...headers }
      const outgoing = request({ port, host: '127.0.0.1', path: '/mcp', agent: by, headers: all })
      outgoing.end()
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
      return { response, reused: outgoing.reusedSocket }
    }
    const streamed = await ask({ 'x-stream': 'yes' }, false)
    await once(streamed.response, 'readable')
    await text((await ask()).response)

    await configure({ mcp_plugins: [limit(1)] })
    await reload()
    const after = await ask()
    expect([after.reused, await text(after.response)]).toEqual([true, 'ok'])
    expect((await ask()).response.statusCode).toBe(429)
    stream?.end('data: two\n\n')
    expect(await text(streamed.response)).toBe('data: one\n\ndata: two\n\n')
    agent.destroy()
  })

  it('G07 of a file with mistakes changes nothing, and names them all', async () => {
    const { config_file, reload, send } = await open({ mcp_plugins: [limit(1)] })
    await writeFile(config_file, "_format_version: '3.0'\nroutes: 1\nplugins: [{ name: acl }]\n")
    await expect(reload()).rejects.toMatchObject({
      problems: [
        expect.stringContaining('routes: '),
        expect.stringContaining("does not know the plugin 'acl'"),
      ],
    })
    expect((await send('/mcp', token)).status).toBe(200)
    expect((await send('/mcp', token)).status).toBe(429)
  })

  it('O05 with a plugin that cannot work changes nothing', async () => {
    const { configure, events, reload, send } = await open()
    await configure({
      plugins: ['{ name: file-log, config: { path: /nowhere/a.log } }'],
      mcp_plugins: [limit(1)],
    })
    await expect(reload()).rejects.toThrow('/nowhere/a.log cannot be written')
    expect((await send('/mcp', token)).status).toBe(200)
    expect((await send('/mcp', token)).status).toBe(200)
    expect(events).not.toContainEqual(expect.objectContaining({ msg: 'reloaded' }))
  })

  it('starts the plugins anew whose settings changed, and closes the former after their last request', async () => {
    const notes: unknown[] = []
    let started = 0
    const waiting = Promise.withResolvers<undefined>()
    const entered = Promise.withResolvers<undefined>()
    const closed = Promise.withResolvers<undefined>()
    let over = false
    const { configure, reload, send } = await open({
      construct: () => (started += 1),
      destruct: () => {
        expect(over).toBe(true)
        closed.resolve(undefined)
      },
      access: async (kong, config) => {
        notes.push((config as { note: string }).note)
        if ((await kong.request.getHeader('x-wait')) === 'yes') {
          entered.resolve(undefined)
          await waiting.promise
        }
        await kong.response.exit(204)
      },
    })
    await send('/mcp')
    const slow = send('/token', { headers: ['X-Wait', 'yes'] })
    await entered.promise
    await configure({ answered_note: 'changed' })
    await reload()
    await send('/mcp')
    await send('/token')
    expect([started, notes]).toEqual([3, ['resource', 'authorization', 'resource', 'changed']])
    over = true
    waiting.resolve(undefined)
    expect((await slow).status).toBe(204)
    await closed.promise
  })
})
