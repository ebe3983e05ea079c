import { describe, expect, it } from '@jest/globals'
import { createOriginMatcher } from '../../../../../gateway/local/gateway/cors-origin.ts'
import { cors } from '../../../../../gateway/local/gateway/cors.ts'
import type { Exchange } from '../../../../../gateway/local/gateway/exchange.ts'
import { HeaderLines } from '../../../../../gateway/local/gateway/header-lines.ts'
import { startPlugin } from './plugin.ts'

describe('the origins of cors', () => {
  it.each([
    ['none at all', [], 'https://a.example', '*'],
    ['everyone', ['*'], '', '*'],
    ['a single one, whoever asks', ['https://a.example'], 'https://b.example', 'https://a.example'],
    [
      'one of several',
      ['https://a.example', 'https://b.example'],
      'https://b.example:443',
      'https://b.example',
    ],
    ['another port', ['http://a.example', 'http://b.example'], 'http://b.example:81', undefined],
    ['an expression', ['https://.*[.]a[.]example'], 'https://x.a.example', 'https://x.a.example'],
    ['not a part of one', ['https://.*[.]a[.]example'], 'https://x.a.example.evil', undefined],
    ['both ends of a choice', ['^https://a|https://b$'], 'https://b.evil', undefined],
    [
      'a host by expression',
      ['(a|b)[.]example'],
      'https://b.example:8443',
      'https://b.example:8443',
    ],
    ['a * among others', ['https://a.example', '*'], 'https://b.example', '*'],
    ['none without an Origin', ['https://a.example', 'https://b.example'], '', undefined],
  ])('allow %s', (_, entries, origin, allowed) => {
    expect(createOriginMatcher(entries)(origin)).toBe(allowed)
  })
})

function run(config: object, method: string, headers: readonly string[]) {
  const phases = startPlugin(cors, config)
  const response_headers = new HeaderLines()
  const exchange = { method, headers: new HeaderLines(headers), response_headers } as Exchange
  const exit = phases.access?.(exchange)
  phases.header_filter?.(exchange, response_headers)
  return { exit, lines: Object.fromEntries(response_headers.lines) }
}

const preflight = ['Origin', 'https://a.example', 'Access-Control-Request-Method', 'POST']

describe('cors', () => {
  it('repeats the headers a browser asks for when none are configured', () => {
    const asked = [...preflight, 'Access-Control-Request-Headers', 'Mcp-Param-A']
    const { exit, lines } = run({}, 'OPTIONS', asked)
    expect(exit).toMatchObject({ status: 200 })
    expect(lines).toEqual({
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Headers': 'Mcp-Param-A',
      'Access-Control-Allow-Methods': 'GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT',
    })
  })

  it('names the origin itself when credentials are allowed', () => {
    expect(run({ credentials: true }, 'GET', preflight).lines).toEqual({
      Vary: 'Origin',
      'Access-Control-Allow-Origin': 'https://a.example',
      'Access-Control-Allow-Credentials': 'true',
    })
  })

  it('marks no preflight that goes on', () => {
    expect(run({ preflight_continue: true }, 'OPTIONS', preflight)).toEqual({
      lines: {},
      exit: undefined,
    })
  })

  it('names no origin that is not allowed', () => {
    const origins = ['https://b.example', 'https://c.example']
    expect(run({ origins }, 'GET', preflight).lines).toEqual({ Vary: 'Origin' })
  })
})
