import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { createProxyServer } from '../../../gateway/local/gateway/listeners.ts'
import { kong_yml } from '../../support/kong-yml.ts'

const hour = 3_600_000
const [service] = (
  parse(readFileSync(kong_yml, 'utf8'), { merge: true }) as {
    readonly services: readonly {
      readonly read_timeout?: number
      readonly write_timeout?: number
      readonly retries?: number
      readonly routes: readonly { readonly response_buffering?: boolean }[]
    }[]
  }
).services

describe('a call that is silent for long', () => {
  it('G08 has an hour at the gateway, is never sent twice, and is not collected first', () => {
    expect(service?.read_timeout).toBeGreaterThanOrEqual(hour)
    expect(service?.write_timeout).toBeGreaterThanOrEqual(hour)
    expect(service?.retries).toBe(0)
    expect(service?.routes.map(route => route.response_buffering)).toEqual([false])
  })

  it('G08 is ended by no timer of a server of ours', () => {
    // `requestTimeout` and `headersTimeout` are for a request that does not arrive.
    const servers = [createProxyServer(() => undefined), createServer()]
    expect(servers.map(({ timeout }) => timeout)).toEqual([0, 0])
  })
})
