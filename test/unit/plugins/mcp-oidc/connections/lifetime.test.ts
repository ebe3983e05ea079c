import { describe, expect, it } from '@jest/globals'
import { connectionLifetime } from '../../../../../plugins/mcp-oidc/connections/lifetime.ts'

const lifetimes = (connection_ttl: number, connection_ttl_without_idp_refresh: number) => ({
  connection_ttl,
  connection_ttl_without_idp_refresh,
})

describe('T06 a connection that nobody can be asked about', () => {
  it.each([
    [86_400, 3_600, 3_600],
    [3_600, 86_400, 3_600],
  ])('of %i and %i seconds lives the shorter, %i', (usual, without, lives) => {
    expect(connectionLifetime(lifetimes(usual, without), {})).toBe(lives)
    expect(connectionLifetime(lifetimes(usual, without), { idp_refresh_token: 't' })).toBe(usual)
  })
})
