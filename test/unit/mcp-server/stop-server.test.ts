import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { stopServer } from '../../../mcp-server/stop-server.ts'

describe('a server that is stopped', () => {
  const server = () => createServer({ keepAliveTimeout: 75_000 }).listen(0, '127.0.0.1')
  let stopping: ReturnType<typeof server>
  let agent: Agent

  beforeEach(async () => {
    stopping = server()
    agent = new Agent({ keepAlive: true })
    await once(stopping, 'listening')
  })

  afterEach(() => {
    agent.destroy()
    stopping.closeAllConnections()
  })

  /** A request under way, on a connection that its client would keep. */
  async function begin() {
    const { port } = stopping.address() as AddressInfo
    const outgoing = get({ host: '127.0.0.1', port, agent })
    const answer = once(outgoing, 'response') as Promise<[IncomingMessage]>
    const [, reply] = (await once(stopping, 'request')) as [unknown, ServerResponse]
    return { answer, reply }
  }

  it('closes the connection of an answer that is under way soon after it', async () => {
    const { answer, reply } = await begin()
    const began = performance.now()
    const stopped = stopServer(stopping, 60_000)
    reply.end('well')
    expect(await text((await answer)[0])).toBe('well')
    await stopped
    expect(performance.now() - began).toBeLessThan(4_000)
  })

  it('cuts what is not answered in time', async () => {
    const { answer } = await begin()
    const cut = expect(answer).rejects.toThrow('socket hang up')
    await stopServer(stopping, 50)
    await cut
  })
})
