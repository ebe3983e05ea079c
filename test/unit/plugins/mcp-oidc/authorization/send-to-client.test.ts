import { describe, expect, it } from '@jest/globals'
import express from 'express'
import { inject } from 'light-my-request'
import { sendToClient } from '../../../../../plugins/mcp-oidc/authorization/send-to-client.ts'
import { parseConfig } from '../../../../../plugins/mcp-oidc/config/settings.ts'
import { createPages } from '../../../../../plugins/mcp-oidc/pages/pages.ts'
import { rawConfig } from '../../../../support/config.ts'

const { settings } = parseConfig(rawConfig({ private_use_schemes: ['cursor'] }))

/** What a browser gets when oidc-provider would send it to `location`. */
async function leave(location: string) {
  const events: object[] = []
  const audit = Object.assign(
    (_req: unknown, event: object) => {
      events.push(event)
      return Promise.resolve()
    },
    { within: () => Promise.resolve(() => undefined), together: () => Promise.resolve(true) },
  )
  const flow = { settings, audit, pages: createPages({ resource_name: 'Insights' }) }
  const answer = { status: 303, headers: { location }, body: Buffer.alloc(0) }
  const app = express()
  app.use((req, res) => sendToClient(flow, req, res, answer, 'dcr_x'))
  const { statusCode, headers, payload } = await inject(app, '/authorize/uid')
  return { statusCode, location: headers.location, payload, events }
}

describe('the way back to a client', () => {
  it.each(['https://app.example/cb?code=c&state=s', 'cursor://a/b?error=access_denied'])(
    'R04 is gone to %s',
    async location => {
      expect(await leave(location)).toMatchObject({ statusCode: 303, location, events: [] })
    },
  )

  it.each([
    'other://a/b?code=c',
    'javascript:alert(1)',
    'http://app.example/cb?code=c',
    '//evil.example/?code=c',
    'https://gw.example/connect/x?code=c',
  ])(
    'R04 is closed to %s, whatever was allowed before: a page, no redirect, an event',
    async to => {
      const { statusCode, location, payload, events } = await leave(to)
      expect([statusCode, location]).toEqual([400, undefined])
      expect(payload).toContain('may not send you back there')
      expect(payload).not.toContain('code=c')
      expect(events).toEqual([
        expect.objectContaining({ outcome: 'refused', error_code: 'invalid_redirect_uri' }),
      ])
    },
  )
})
