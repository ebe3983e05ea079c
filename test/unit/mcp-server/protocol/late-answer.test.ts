import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Response as Reply } from 'express'
import express from 'express'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { streamWhenLate } from '../../../../mcp-server/protocol/late-answer.ts'

describe('an answer', () => {
  let server: Server
  let url: string
  let answers: PromiseWithResolvers<Response>
  let reply: Reply
  let ended: Promise<unknown>

  beforeEach(async () => {
    answers = Promise.withResolvers()
    const arrived = Promise.withResolvers<unknown>()
    ended = arrived.promise
    const app = express().use((incoming, outgoing) => {
      reply = outgoing
      const listen = getRequestListener(() => {
        const answer = streamWhenLate(answers.promise, outgoing, { late_after: 40, sign_every: 20 })
        answer.then(arrived.resolve, arrived.reject)
        return answer
      })
      void listen(incoming, outgoing)
    })
    server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  /** What has come of a stream once it has two signs of life in it. */
  async function begin() {
    const response = await fetch(url)
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let seen = ''
    while (seen.split(':').length < 3) seen += (await reader?.read())?.value ?? ''
    const rest = async () => {
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
        seen += part.value
      return seen
    }
    return { response, rest, cancel: () => reader?.cancel() }
  }

  it('that is there in time is sent as it is', async () => {
    answers.resolve(Response.json({ id: 1 }, { status: 400 }))
    const response = await fetch(url)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(await response.json()).toEqual({ id: 1 })
  })

  it('G08 that is late is the one event of a stream that shows signs of life until then', async () => {
    const { response, rest } = await begin()
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    answers.resolve(Response.json({ id: 1 }))
    const seen = await rest()
    expect(seen).toMatch(/^(?:: still at it\n\n){2,}event: message\ndata: \{"id":1\}\n\n$/)
  })

  it('G08 that is late and a stream itself goes on in it', async () => {
    const { rest } = await begin()
    const headers = { 'content-type': 'text/event-stream' }
    answers.resolve(new Response('event: message\ndata: 1\n\ndata: 2\n\n', { headers }))
    expect(await rest()).toMatch(/still at it\n\nevent: message\ndata: 1\n\ndata: 2\n\n$/)
  })

  it('that nobody waits for any more is not written', async () => {
    const { cancel } = await begin()
    const closed = once(reply, 'close')
    await cancel()
    await closed
    answers.resolve(RESPONSE_ALREADY_SENT)
    expect(await ended).toBe(RESPONSE_ALREADY_SENT)
    expect(reply.writableEnded).toBe(false)
  })
})
