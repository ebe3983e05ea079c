import { describe, expect, it } from '@jest/globals'
import express from 'express'
import type { Pdk } from '../../../../gateway/plugin-server/pdk.ts'
import { answerRequests } from '../../../../plugins/mcp-oidc/authorization/answer-request.ts'
import { serveAuthorization } from '../../../../plugins/mcp-oidc/authorization/serve-authorization.ts'
import { traced } from '../../../../plugins/mcp-oidc/door/traced.ts'
import { failClosed } from '../../../../plugins/mcp-oidc/fail-closed.ts'
import { untraced } from '../../../../plugins/mcp-oidc/tracing/tracer.ts'
import { type KongRequest, recordingLog, runPhase } from '../../../support/fake-kong.ts'

const headers = { 'x-request-id': 'r-1' }
const broken = new Error('the database is away')
const judge = () => Promise.reject(broken)

async function fail(
  serve: (kong: Pdk) => Promise<unknown>,
  request: KongRequest = { headers },
  failing?: string,
) {
  const log = recordingLog()
  const phase = async (kong: Pdk) => {
    await serve(kong)
  }
  const outcome = await runPhase(kong => failClosed(kong, log, phase), request, failing)
  return { ...outcome, line: log.entries[0] }
}

describe('an access phase that fails', () => {
  it('G01 sends its exit and nothing else, and says of an unknown request what broke', async () => {
    const { calls, exit, line } = await fail(judge)
    expect([calls, exit?.status]).toEqual([['response.exit'], 503])
    expect(exit?.body).not.toContain('database')
    expect(line).toMatchObject({ level: 'error', detail: { err: broken } })
    expect(line?.detail).not.toHaveProperty('request_id')
  })

  it('O03 says which request it was at the MCP endpoint, once its headers are read', async () => {
    const { calls, exit, line } = await fail(kong => traced(kong, untraced, judge))
    expect([calls, exit?.status]).toEqual([['request.getHeaders', 'response.exit'], 503])
    expect(line?.detail).toEqual({ err: broken, request_id: 'r-1' })
  })

  it.each(['client.getForwardedIp', 'request.getRawBody'])(
    'O03 says which request it was at an OAuth endpoint where %s fails',
    async failing => {
      const request = { method: 'POST', url: '/token', headers }
      const { calls, exit, line } = await fail(
        kong => serveAuthorization(kong, answerRequests(express(), []), untraced),
        request,
        failing,
      )
      expect(calls).toEqual([
        'request.getHeaders',
        'request.getMethod',
        'request.getPathWithQuery',
        'client.getForwardedIp',
        'request.getRawBody',
        'response.exit',
      ])
      expect(exit?.status).toBe(503)
      expect(line?.detail).toEqual({ err: new Error(`${failing} failed`), request_id: 'r-1' })
    },
  )

  it('O03 takes no id that is none, and fails all the same', async () => {
    const request = { headers: { 'x-request-id': 'not an id' } }
    const { exit, line } = await fail(kong => traced(kong, untraced, judge), request)
    expect(exit?.status).toBe(503)
    expect(line?.detail).toEqual({ err: broken })
  })

  it('is no error where the client has gone, known or not', async () => {
    const gone = Object.assign(new Error('dropped'), { name: 'ConnectionDroppedError' })
    const leave = () => Promise.reject(gone)
    for (const serve of [leave, (kong: Pdk) => traced(kong, untraced, leave)])
      expect((await fail(serve)).line).toMatchObject({ level: 'info', detail: { err: gone } })
  })
})
