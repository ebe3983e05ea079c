import { describe, expect, it } from '@jest/globals'
import { parseEnvironment } from '../../../console/environment.ts'
import { secretRing } from '../../support/config.ts'

const storage_keys = secretRing('storage')
const good = {
  DATABASE_URL: 'postgresql://console:hidden@db/gateway',
  GATEWAY_URL: 'https://mcp.acme.example',
  STORAGE_KEYS: storage_keys,
  CONSOLE_COOKIE_KEYS: secretRing('console'),
  CONSOLE_CLIENT_SECRET: 'hidden'.repeat(6),
}

describe('the environment of the console', () => {
  it('O05 has what is usual filled in', () => {
    expect(parseEnvironment(good)).toMatchObject({
      host: '127.0.0.1',
      port: 3001,
      gateway_internal_url: good.GATEWAY_URL,
      client_id: 'console',
      admin_roles: ['admin'],
      kong_config: undefined,
      metrics: { host: '127.0.0.1', port: 9466 },
    })
    expect(parseEnvironment({ ...good, ADMIN_ROLES: 'owner, it-admin,' }).admin_roles).toEqual([
      'owner',
      'it-admin',
    ])
  })

  it('O05 is refused with everything that is wrong, and no secret', () => {
    let message = ''
    try {
      parseEnvironment({
        GATEWAY_URL: 'https://mcp.acme.example/',
        CONSOLE_CLIENT_SECRET: 'hidden',
      })
    } catch (error) {
      message = String(error)
    }
    for (const name of ['DATABASE_URL: is not set', 'GATEWAY_URL: must be an origin'])
      expect(message).toContain(name)
    for (const name of ['STORAGE_KEYS: is not set', 'CONSOLE_CLIENT_SECRET: must have at least 32'])
      expect(message).toContain(name)
    expect(message).not.toContain('hidden')
  })

  it('O05 K02 is refused when a key is in both rings', () => {
    expect(() => parseEnvironment({ ...good, CONSOLE_COOKIE_KEYS: storage_keys })).toThrow(
      'CONSOLE_COOKIE_KEYS: a key is in STORAGE_KEYS too',
    )
  })
})
