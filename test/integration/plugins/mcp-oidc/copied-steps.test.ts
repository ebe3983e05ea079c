import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createRuntime, type Runtime } from '../../../../plugins/mcp-oidc/runtime.ts'
import {
  type AuthorizationServer,
  authorizationRequest,
  callback,
  formOf,
  openAuthorizationServer,
  openBrowser,
  register,
  signIn,
  token,
} from '../../../support/authorization-server.ts'
import { recordingLog } from '../../../support/fake-kong.ts'

const copies = 12

describe('a step that comes many times at once, to two replicas', () => {
  let server: AuthorizationServer
  let replicas: readonly Runtime[]
  let servers: readonly Server[]
  beforeAll(async () => {
    server = await openAuthorizationServer()
    replicas = [0, 1].map(() => createRuntime(server.settings, recordingLog(), Date.now))
    await Promise.all(replicas.map(replica => replica.ready()))
    servers = replicas.map(({ app }) => createServer(app).listen(0, 'localhost'))
    await Promise.all(servers.map(one => once(one, 'listening')))
  })
  afterAll(async () => {
    for (const one of servers) one.close().closeAllConnections()
    await Promise.all(replicas.map(replica => replica.close()))
    await server.close()
  })
  beforeEach(async () => {
    await server.db.deleteFrom('oidc_records').execute()
    await server.db.deleteFrom('connections').execute()
    await server.db.deleteFrom('audit_events').execute()
  })

  /** A browser that sends the requests to `path` as often as there are bodies, and goes on with one that was taken. */
  function hasty(path: RegExp, bodiesOf: (body: string) => readonly string[]) {
    const answers: Response[] = []
    const browser = openBrowser(async (given, init) => {
      const { pathname, search } = new URL(given)
      const body = typeof init.body === 'string' ? init.body : ''
      if (!path.test(`${init.method} ${pathname} ${body}`)) return fetch(given, init)
      const all = await Promise.all(
        bodiesOf(body).map((one, n) => {
          const { port } = servers[n % servers.length]?.address() as AddressInfo
          return fetch(`http://localhost:${port}${pathname}${search}`, {
            ...init,
            ...(body === '' ? {} : { body: one }),
          })
        }),
      )
      answers.push(...all)
      return all.find(({ status }) => status < 400) ?? Response.error()
    })
    return { browser, answers }
  }

  const models = async (model: string) =>
    (
      await server.db
        .selectFrom('oidc_records')
        .select('model')
        .where('model', '=', model)
        .execute()
    ).length
  const consents = () =>
    server.db
      .selectFrom('audit_events')
      .select(['outcome', 'error_code', 'connection_id'])
      .where('type', '=', 'consent')
      .execute()
  const connections = () => server.db.selectFrom('connections').select('id').execute()

  async function answer(path: RegExp, bodiesOf: (body: string) => readonly string[]) {
    const { client_id } = await register(server.url)
    const { browser, answers } = hasty(path, bodiesOf)
    const request = authorizationRequest(server.url, client_id)
    const page = await signIn(browser, request.url)
    const press = { name: 'decision', value: 'approve' }
    const done = await browser.submit(page, formOf(page), { press })
    const redemption = {
      ...{ grant_type: 'authorization_code', client_id, redirect_uri: callback },
      code: done.url.searchParams.get('code') ?? '',
      code_verifier: request.code_verifier,
    }
    return { done, answers, redemption }
  }

  it('A01 the way back to the client: one code, and it is good', async () => {
    const { answers, redemption } = await answer(/^GET \/authorize\/[\w-]+ $/, body =>
      Array.from({ length: copies }, () => body),
    )
    expect(answers).toHaveLength(copies)
    const codes = answers.filter(({ headers }) => headers.get('location')?.includes('code='))
    expect(codes).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(copies - 1)
    expect(await models('AuthorizationCode')).toBe(1)
    expect(await models('Interaction')).toBe(0)
    expect((await token(server.url, redemption)).status).toBe(200)
  })

  it('A07 an approval: one connection with its grant and its event', async () => {
    const { answers, redemption } = await answer(/^POST \/connect\/.*decision=approve/, body =>
      Array.from({ length: copies }, () => body),
    )
    expect(answers).toHaveLength(copies)
    const made = await connections()
    expect(made).toHaveLength(1)
    expect(await models('Grant')).toBe(1)
    const [{ id } = { id: '' }] = made
    expect(await consents()).toEqual([{ outcome: 'ok', error_code: null, connection_id: id }])
    expect((await token(server.url, redemption)).status).toBe(200)
  })

  it('A07 approvals and denials: one of them counts, and the client is told that one', async () => {
    for (let round = 0; round < 8; round += 1) {
      await server.db.deleteFrom('connections').execute()
      await server.db.deleteFrom('audit_events').execute()
      const { done } = await answer(/^POST \/connect\/.*decision=approve/, body =>
        Array.from({ length: copies }, (_, n) =>
          (n + round) % 3 === 0 ? body : body.replace('decision=approve', 'decision=deny'),
        ),
      )
      expect(done.intercepted).toBe(true)
      const approved = done.url.searchParams.has('code')
      expect(done.url.searchParams.get('error')).toBe(approved ? null : 'access_denied')
      expect(await connections()).toHaveLength(approved ? 1 : 0)
      expect(await consents()).toMatchObject([{ outcome: approved ? 'ok' : 'refused' }])
    }
  })

  it('A04 the way back from the company: one sign-in', async () => {
    const { answers, done } = await answer(/^GET \/callback\/dev/, body =>
      Array.from({ length: copies }, () => body),
    )
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1)
    expect(done.intercepted).toBe(true)
    const events = await server.db
      .selectFrom('audit_events')
      .select('outcome')
      .where('type', '=', 'sign_in')
      .execute()
    expect(events).toEqual([{ outcome: 'ok' }])
  })
})
