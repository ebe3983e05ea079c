import { describe, expect, it } from '@jest/globals'
import { parseEnvironment } from '../../../mcp-server/environment.ts'

const least = { DATABASE_URL: 'postgres://u:secret@db/x', GATEWAY_URL: 'http://localhost:8000' }

describe('parseEnvironment', () => {
  it('fills in what may be left out', () => {
    expect(parseEnvironment(least)).toEqual({
      host: '127.0.0.1',
      port: 3000,
      database_url: least.DATABASE_URL,
      issuer: 'http://localhost:8000',
      jwks_url: 'http://localhost:8000/jwks',
      audience: 'mcp-server',
      allowed_origins: ['http://localhost:8000'],
      audit_required: true,
      metrics: { host: '127.0.0.1', port: 9465 },
      otlp_endpoint: undefined,
      resource_metadata: 'http://localhost:8000/.well-known/oauth-protected-resource/mcp',
      permissions_file: expect.stringMatching(/config\/permissions\.yml$/),
      permissions_api: undefined,
      log_ingest_token: undefined,
    })
  })

  it('takes what is set', () => {
    const environment = parseEnvironment({
      ...least,
      PORT: '0',
      METRICS_PORT: 'off',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      JWKS_URL: 'http://gateway:8000/jwks',
      ALLOWED_ORIGINS: 'https://a.example, https://b.example',
    })
    expect(environment).toMatchObject({
      port: 0,
      metrics: undefined,
      otlp_endpoint: 'http://collector:4318',
      jwks_url: 'http://gateway:8000/jwks',
      allowed_origins: ['https://a.example', 'https://b.example'],
    })
  })

  it('names every problem at once, and no secret', () => {
    const parse = () =>
      parseEnvironment({
        PORT: '99999',
        METRICS_PORT: 'on',
        DATABASE_URL: 'mysql://root:secret@db',
        ALLOWED_ORIGINS: 'https://a.example/path',
      })
    expect(parse).toThrow(
      /PORT[^]*DATABASE_URL[^]*GATEWAY_URL: is not set[^]*ALLOWED_ORIGINS[^]*METRICS_PORT: must be a port, or off/,
    )
    expect(parse).not.toThrow(/secret/)
  })

  it.each([
    [{ PERMISSIONS_URL: 'https://api.example/may' }, /PERMISSIONS_TOKEN: is not set/],
    [{ PERMISSIONS_TOKEN: 'a-token-long-enough' }, /PERMISSIONS_URL: is not set/],
    [
      { PERMISSIONS_URL: 'http://api.example/may', PERMISSIONS_TOKEN: 'a-token-long-enough' },
      /PERMISSIONS_URL: must use https/,
    ],
    [
      { PERMISSIONS_URL: 'https://api.example/may', PERMISSIONS_TOKEN: 'short' },
      /PERMISSIONS_TOKEN: must have at least 16/,
    ],
  ])('M02 refuses a permissions API without all it needs: %j', (variables, problem) => {
    expect(() => parseEnvironment({ ...least, ...variables })).toThrow(problem)
  })

  it('M02 takes a permissions API with its token', () => {
    const PERMISSIONS_TOKEN = 'a-token-long-enough'
    const variables = { ...least, PERMISSIONS_URL: 'https://api.example/may', PERMISSIONS_TOKEN }
    expect(parseEnvironment(variables).permissions_api).toEqual({
      url: 'https://api.example/may',
      token: PERMISSIONS_TOKEN,
    })
  })

  it('refuses a gateway URL that could never equal an issuer', () => {
    expect(() => parseEnvironment({ ...least, GATEWAY_URL: 'http://localhost:8000/' })).toThrow(
      /GATEWAY_URL: must not end with a slash/,
    )
  })
})
