import { describe, expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { readKongConf } from './lua-aliases.ts'
import { readLoggers, redact } from './lua-redaction.ts'
import type { CustomFields, Fields } from './lua-redaction.ts'

const canary = 'canary-4f1c'

/** What Kong's serializer says and everyone may read. */
const harmless: Fields = {
  client_ip: '192.0.2.7',
  correlation_id: '6f1c0b9e-8f5e-4d0c-9d3b-0c2f8c1f7a11',
  'latencies.request': '12',
  'request.headers.authorization': 'REDACTED',
  'request.headers.host': 'mcp.acme.example',
  'request.headers.user-agent': 'client/1.0',
  'request.headers.x-org-id': 'acme',
  'request.headers.x-user-id': 'usr_alice',
  'request.method': 'GET',
  'request.size': '420',
  'response.headers.content-type': 'text/html',
  'response.size': '0',
  'response.status': '303',
  'route.name': 'oauth',
  upstream_status: '',
}

/** What is written of it: the user and org have fields of their own, whatever number of headers came. */
const complete: Fields = { ...harmless, user_id: 'usr_alice', org_id: 'acme' }

/** The eight fields that hold codes, state and cookies, in the shapes Kong gives them. */
const sensitive: Readonly<Record<string, Fields>> = {
  'request.querystring': {
    'request.querystring.code': canary,
    'request.querystring.state.1': 'first',
    'request.querystring.state.2': canary,
  },
  'request.uri': { 'request.uri': `/callback/dev?code=${canary}` },
  'request.url': { 'request.url': `https://mcp.acme.example:443/callback/dev?code=${canary}` },
  upstream_uri: { upstream_uri: `/mcp?access_token=${canary}` },
  'request.headers.cookie': { 'request.headers.cookie': `session=${canary}` },
  'request.headers.referer': { 'request.headers.referer': `https://idp.example/?code=${canary}` },
  'response.headers.location': { 'response.headers.location': `http://127.0.0.1/?code=${canary}` },
  'response.headers.set-cookie': {
    'response.headers.set-cookie.1': 'theme=dark',
    'response.headers.set-cookie.2': `session=${canary}`,
  },
}

const message: Fields = Object.assign({}, harmless, ...Object.values(sensitive)) as Fields

function leaks(custom_fields: CustomFields): string[] {
  const left = redact(custom_fields, message)
  return Object.keys(left)
    .filter(path => left[path]?.includes(canary))
    .sort()
}

const loggers = readLoggers()

describe('what the log plugins of config/kong.yml write', () => {
  it('R08 is something', () => {
    expect(loggers.map(({ name }) => name)).toContain('file-log')
  })

  describe.each(loggers)('$name', ({ config }) => {
    const custom_fields = config?.custom_fields_by_lua ?? {}

    it('R08 is a message without codes, state and cookies, and otherwise complete', () => {
      expect(redact(custom_fields, message)).toEqual(complete)
    })

    it.each(Object.keys(sensitive))('R08 has no %s', field => {
      const left = redact(custom_fields, { ...harmless, ...sensitive[field] })
      expect(left).toEqual(complete)
    })

    it('R08 is a message that had none of them, unchanged', () => {
      expect(redact(custom_fields, harmless)).toEqual(complete)
    })

    it.each(Object.keys(sensitive))('R08 leaks when the redaction of %s is lost', field => {
      const { [field]: lost, ...rest } = custom_fields
      expect(lost).toBeDefined()
      expect(leaks(rest)).toEqual(
        Object.keys(sensitive[field] ?? {})
          .filter(holdsCanary)
          .sort(),
      )
    })

    it.each(Object.keys(sensitive))('R08 leaks when %s is misspelled', field => {
      const { [field]: expression = '', ...rest } = custom_fields
      expect(leaks({ ...rest, [field.toUpperCase()]: expression })).not.toEqual([])
    })
  })

  it('R08 is redacted in the examples of the file as well', () => {
    const text = readFileSync('config/kong.yml', 'utf8')
    const named = text.match(/^ *(?:# )?- name: (?:file|http|tcp|udp)-log$/gm) ?? []
    const redacted = text.match(/^ *(?:# +)?custom_fields_by_lua: \*redacted$/gm) ?? []
    expect(named.length).toBeGreaterThan(loggers.length)
    expect(redacted).toHaveLength(named.length)
  })
})

describe('the access log of gateway/kong/kong.conf', () => {
  it('R08 has a format without query and referer', () => {
    const [, name, format = ''] = /^(\S+) '(.+)'$/.exec(readKongConf('nginx_http_log_format')) ?? []
    expect(readKongConf('proxy_access_log').split(' ')[1]).toBe(name)
    const variables = format.match(/\$\w+/g) ?? []
    expect(variables).toContain('$uri')
    const telling =
      /^\$(request|request_uri|args|arg_.*|query_string|upstream_uri|.*referer|.*cookie.*|.*location)$/
    expect(variables.filter(variable => telling.test(variable))).toEqual([])
  })

  it('R08 has no lines of nginx below `notice`, which quote the request', () => {
    expect(readKongConf('nginx_location_error_log')).toBe('logs/error.log notice')
  })
})

function holdsCanary(path: string): boolean {
  return message[path]?.includes(canary) ?? false
}
