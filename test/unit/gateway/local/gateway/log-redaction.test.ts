import { describe, expect, it } from '@jest/globals'
import type { LogMessage } from '../../../../../gateway/local/gateway/log-message.ts'
import {
  createRedaction,
  redactionNotice,
  sensitive_fields,
} from '../../../../../gateway/local/gateway/log-redaction.ts'

/** A message in which every sensitive field holds the canary. */
const message = {
  request: {
    method: 'GET',
    querystring: { code: 'canary' },
    uri: '/callback?code=canary',
    url: 'http://gw/callback?code=canary',
    headers: { cookie: 'canary', referer: 'canary', 'x-user-id': 'usr_alice' },
  },
  upstream_uri: '/canary',
  response: { status: 200, headers: { location: 'canary', 'set-cookie': ['canary'], via: 'kong' } },
} as unknown as LogMessage

describe('a log message', () => {
  it('R08 loses all eight fields that may hold secrets, whatever the configuration says', () => {
    const written = JSON.stringify(createRedaction(undefined)(message))
    expect(written).not.toContain('canary')
    expect(written).toContain('usr_alice')
    expect(JSON.stringify(message).match(/canary/g)).toHaveLength(sensitive_fields.length)
  })

  it('loses what Lua would set too, and nothing else', () => {
    const redact = createRedaction({ 'request.headers.x-user-id': 'return nil', 'a.b': 'return 1' })
    expect(redact(message)).toEqual({
      request: { method: 'GET', headers: {} },
      response: { status: 200, headers: { via: 'kong' } },
    })
  })
})

describe('the notice of a log plugin', () => {
  it('R08 names what Kong would write in clear', () => {
    const [first, ...others] = sensitive_fields
    const given = Object.fromEntries(others.map(field => [field, 'return nil']))
    expect(redactionNotice(given)).toContain(
      `Kong would write in clear, for want of custom_fields_by_lua: ${first}`,
    )
    expect(redactionNotice({ ...given, [first]: 'return nil' })).not.toContain('in clear')
  })
})
