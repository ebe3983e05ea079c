import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import supertest from 'supertest'
import {
  type AuthorizationServer,
  openAuthorizationServer,
} from '../../../support/authorization-server.ts'

let server: AuthorizationServer
beforeAll(async () => {
  server = await openAuthorizationServer()
})
afterAll(() => server.close())

const register = async (body: object | string): Promise<Answer> =>
  supertest(server.url).post('/register').set('content-type', 'application/json').send(body)

interface Answer {
  readonly status: number
  readonly text: string
  readonly body: Readonly<Record<string, unknown>>
}

const redirect_uris = ['http://127.0.0.1:1234/callback']

describe('R01 a registration', () => {
  it('gives a public client an id, no secret, and nothing that is null', async () => {
    const { status, body } = await register({
      redirect_uris,
      client_name: 'A client',
      logo_uri: null,
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      redirect_uris,
      client_name: 'A client',
      token_endpoint_auth_method: 'none',
    })
    expect(body).not.toHaveProperty('client_secret')
    expect(body).not.toHaveProperty('registration_access_token')
    expect(Object.values(body)).not.toContain(null)
  })

  it('gives a confidential client a secret', async () => {
    const { body } = await register({
      redirect_uris,
      token_endpoint_auth_method: 'client_secret_post',
    })
    expect(body).toMatchObject({ client_secret: expect.any(String), client_secret_expires_at: 0 })
  })

  it.each([
    ['no JSON', '{"redirect_uris":', 400],
    ['a list', [], 400],
    ['nothing', {}, 400],
    ['more than 64 kB', { redirect_uris, client_name: 'x'.repeat(70_000) }, 413],
  ])('of %s is refused in words', async (_name, body, status) => {
    const response = await register(body)
    expect(response.status).toBe(status)
    expect(response.body).toMatchObject({
      error: expect.any(String),
      error_description: expect.any(String),
    })
    expect(response.text).not.toContain('    at ')
  })

  it('R04 of a bad redirect URI is invalid_redirect_uri, and on record', async () => {
    const { status, body } = await register({ redirect_uris: ['javascript:alert(1)'] })
    expect([status, body.error]).toEqual([400, 'invalid_redirect_uri'])
    const event = await server.db
      .selectFrom('audit_events')
      .selectAll()
      .where('type', '=', 'registration')
      .orderBy('id', 'desc')
      .executeTakeFirst()
    expect(event).toMatchObject({ outcome: 'refused', error_code: 'invalid_redirect_uri' })
  })
})
