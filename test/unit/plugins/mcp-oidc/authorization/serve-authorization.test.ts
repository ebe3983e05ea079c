import { describe, expect, it } from '@jest/globals'
import express from 'express'
import type { Pdk } from '../../../../../gateway/plugin-server/pdk.ts'
import { answerRequests } from '../../../../../plugins/mcp-oidc/authorization/answer-request.ts'
import { serveAuthorization } from '../../../../../plugins/mcp-oidc/authorization/serve-authorization.ts'
import { untraced } from '../../../../../plugins/mcp-oidc/tracing/tracer.ts'
import { type KongRequest, runPhase } from '../../../../support/fake-kong.ts'

const app = express()
app.use(express.text({ type: () => true }))
app.use((req, res) => {
  const { ip, method, url } = req
  res.json({ method, url, ip, accept: req.headers.accept, body: req.body as unknown })
})

const asked_at_once = [
  'request.getHeaders',
  'request.getMethod',
  'request.getPathWithQuery',
  'client.getForwardedIp',
  'request.getRawBody',
]

function serve(request: KongRequest, failing?: string) {
  const phase = async (kong: Pdk) => {
    await serveAuthorization(kong, answerRequests(app, []), untraced)
  }
  return runPhase(phase, request, failing)
}

describe('a request at an OAuth endpoint', () => {
  it('is answered from what Kong says, which is asked for at once', async () => {
    const { calls, exit } = await serve({
      ...{ method: 'POST', url: '/token?a=1', headers: { accept: 'text/plain' } },
      body: { content: Buffer.from('grant_type=x') },
    })
    expect(calls).toEqual([...asked_at_once, 'response.exit'])
    expect(exit?.status).toBe(200)
    expect(JSON.parse(exit?.body ?? '')).toEqual({
      ...{ method: 'POST', url: '/token?a=1', ip: '192.0.2.7' },
      ...{ accept: 'text/plain', body: 'grant_type=x' },
    })
  })

  it.each([
    [{ content: Buffer.from('smuggled') }, undefined],
    [{ body_filepath: '/nowhere' }, undefined],
    [undefined, 'request.getRawBody'],
  ])('has no body where the method has none, whatever Kong says of one', async (body, failing) => {
    const { exit } = await serve({ method: 'GET', url: '/jwks', ...(body && { body }) }, failing)
    expect(exit?.status).toBe(200)
    expect(exit).toEqual((await serve({ method: 'GET', url: '/jwks' })).exit)
  })

  it.each(asked_at_once)('G01 is not answered by the app when %s fails', async failing => {
    const headers = { 'x-request-id': 'r-1' }
    const failed = new Error(`${failing} failed`)
    await expect(serve({ method: 'POST', url: '/token', headers }, failing)).rejects.toMatchObject(
      failing === 'request.getHeaders' ? failed : { cause: failed, request_id: 'r-1' },
    )
  })

  it('is refused with 405 for a method that nobody serves', async () => {
    const { calls, exit } = await serve({ method: 'PROPFIND' })
    expect(calls).toEqual([...asked_at_once, 'response.exit'])
    expect(exit?.status).toBe(405)
  })
})
