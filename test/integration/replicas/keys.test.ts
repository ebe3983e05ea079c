import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { decodeProtectedHeader } from 'jose'
import { findConnection } from '../../../storage/connections.ts'
import { parseKeyRing } from '../../../storage/key-ring.ts'
import {
  approve,
  authorizationRequest,
  callback,
  formOf,
  openBrowser,
  register,
  token,
} from '../../support/authorization-server.ts'
import { client_id as idp_client_id, type Company, openCompany } from '../../support/company.ts'
import { openConnection, type OpenConnection, refresh } from '../../support/open-connection.ts'
import { openReplicas, type Replica, type Replicas } from '../../support/replicas.ts'
import { createOperator, type Operator } from '../../support/rotation.ts'
import { runCommand } from '../../support/run-command.ts'
import { connectionOf } from '../../support/token-claims.ts'

const minutes = 60_000

/** The steps of docs/keys.md, on two replicas. */
describe('rotating keys on two replicas', () => {
  let company: Company
  let system: Replicas
  let operator: Operator
  let folder: string
  let one: Replica
  let other: Replica

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keys-'))
    system = await openReplicas({
      count: 2,
      settings: async url => {
        company = await openCompany(url, { settings: { idp_logout_ends: 'connections' } })
        return { identity_providers: [company.setting] }
      },
    })
    ;[one, other] = system.replicas as [Replica, Replica]
    operator = await createOperator(system, folder)
  }, minutes)

  afterAll(async () => {
    await system.close()
    await company.close()
    await rm(folder, { recursive: true, force: true })
  })
  afterEach(() => system.use())

  const signedIn = (user = 'alice@acme.example') =>
    openConnection(system.url, user, { scope: 'openid mcp:tools' })

  const admitted = async (at: { url: string }, { access_token }: { access_token: string }) =>
    (await fetch(`${at.url}/mcp`, { headers: { authorization: `Bearer ${access_token}` } })).status

  async function refreshed(at: Replica, tokens: OpenConnection): Promise<OpenConnection> {
    const { status, body } = await refresh(at, tokens)
    expect([status, body.error]).toEqual([200, undefined])
    return { ...tokens, ...body }
  }

  const kidOf = (jwt: string | undefined) => decodeProtectedHeader(jwt ?? '').kid
  const newKid = (lines: readonly Record<string, unknown>[]) => String(lines[0]?.['kid'])
  const rotate = (step: string, ring: string, ...more: string[]) =>
    operator.keys('rotate', step, '--ring', ring, '--write', ...more)
  const connection = (id: string) =>
    system.db
      .selectFrom('connections')
      .select(['status', 'ended_reason'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()

  /** Calls with these tokens, in turn and without a pause, until it is told to stop. */
  function calling(...tokens: readonly OpenConnection[]) {
    const seen = new Map<number, number>()
    const ending = new AbortController()
    const running = (async () => {
      for (let turn = 0; !ending.signal.aborted; turn += 1) {
        const each = tokens[turn % tokens.length]
        if (!each) return
        const status = await admitted(system, each)
        seen.set(status, (seen.get(status) ?? 0) + 1)
      }
    })()
    return async () => {
      ending.abort()
      await running
      return seen
    }
  }

  it(
    'K03 signing keys: no token that has not expired gets a 401 at any step',
    async () => {
      const before = await signedIn()
      const old = kidOf(before.access_token)
      const stop = calling(before)

      const kid = newKid(await rotate('append', 'signing'))
      await operator.roll()
      const appended = await signedIn()
      expect([appended.access_token, appended.id_token].map(kidOf)).toEqual([old, old])

      await rotate('promote', 'signing', '--kid', kid)
      // Half of the roll: one replica signs with the new key, the other with the old one.
      const signing_keys = await ringOf('SIGNING_KEYS')
      system.use(other)
      await one.change({ signing_keys })
      system.use(one)
      const promoted = await signedIn()
      expect([promoted.access_token, promoted.id_token].map(kidOf)).toEqual([kid, kid])
      for (const at of [one, other])
        for (const tokens of [before, appended, promoted])
          expect(await admitted(at, tokens)).toBe(200)
      await operator.roll()

      const seen = await stop()
      expect([...seen.keys()]).toEqual([200])
      expect(seen.get(200)).toBeGreaterThan(20)

      // What the old key signed has expired when access_token_ttl is over; then it goes.
      const later = await refreshed(other, before)
      await rotate('remove', 'signing', '--kid', String(old))
      await operator.roll()
      for (const at of [one, other]) {
        expect(await admitted(at, later)).toBe(200)
        expect(await admitted(at, promoted)).toBe(200)
        expect(await admitted(at, appended)).toBe(401)
      }
    },
    3 * minutes,
  )

  it(
    'K03 storage keys: no connection is lost, and all of them are found, before and after',
    async () => {
      let alice = await signedIn()
      let bob = await signedIn('bob@acme.example')
      const carol = await signedIn('carol@globex.example')
      const old = String((await operator.keys('list', '--ring', 'storage'))[0]?.['kid'])
      const stop = calling(alice, bob, carol)

      const kid = newKid(await rotate('append', 'storage'))
      await operator.roll()
      alice = await refreshed(one, alice)
      await rotate('promote', 'storage', '--kid', kid)
      await operator.roll()
      alice = await refreshed(other, alice)

      // Not yet resealed: found by email and by session under the old key.
      const later = await signedIn('bob@acme.example')
      await revoke('carol@globex.example')
      expect(await connection(connectionOf(carol))).toMatchObject({ status: 'ended' })
      const removal = await runKeys(
        'rotate',
        'remove',
        '--ring',
        'storage',
        '--kid',
        old,
        '--write',
      )
      expect([removal.code, removal.stderr]).toEqual([
        2,
        expect.stringMatching(/still seals \d+ values in the database/),
      ])

      const result = await operator.keys('reseal')
      expect(result.at(-1)).toMatchObject({ first: kid, unopened: 0, left: 0, interrupted: false })
      expect(Number(result.at(-1)?.['resealed'])).toBeGreaterThan(5)
      expect(await operator.keys('list', '--ring', 'storage')).toEqual([
        { ring: 'storage', kid, use: 'first', seals: expect.any(Number) },
        { ring: 'storage', kid: old, use: 'further', seals: 0 },
      ])
      const seen = await stop()
      expect(seen.get(200)).toBeGreaterThan(20)
      // Carol's, from when she was revoked on.
      expect([...seen.keys()].filter(status => ![200, 401].includes(status))).toEqual([])

      await rotate('remove', 'storage', '--kid', old)
      await operator.roll()
      bob = await refreshed(one, bob)
      alice = await refreshed(other, alice)
      for (const at of [one, other])
        for (const tokens of [alice, bob, later]) expect(await admitted(at, tokens)).toBe(200)
      await logOut(connectionOf(bob))
      expect(await connection(connectionOf(bob))).toEqual({
        status: 'ended',
        ended_reason: 'idp_logout',
      })
      await revoke('alice@acme.example')
      expect(await connection(connectionOf(alice))).toMatchObject({ status: 'ended' })
      expect(await connection(connectionOf(later))).toMatchObject({ status: 'active' })
    },
    3 * minutes,
  )

  it(
    'K03 cookie keys: a sign-in that is under way at a step is finished after it',
    async () => {
      const old = String((await operator.keys('list', '--ring', 'cookie'))[0]?.['kid'])
      const { client_id } = await register(system.url)
      const browser = openBrowser()
      const request = authorizationRequest(system.url, client_id)
      const naming = await browser.open(request.url)

      const kid = newKid(await rotate('append', 'cookie'))
      await operator.roll()
      const company_page = await browser.submit(naming, formOf(naming), {
        press: { name: 'provider', value: 'dev' },
      })
      await rotate('promote', 'cookie', '--kid', kid)
      system.use(other)
      await one.change({ cookie_keys: await ringOf('COOKIE_KEYS') })
      // Shown by the replica that has the new key first, answered at the one that does not.
      system.use(one)
      const consent = await browser.submit(company_page, formOf(company_page), {
        fields: { username: 'alice@acme.example', password: 'password' },
      })
      system.use(other)
      const code = (await approve(browser, consent)).get('code') ?? ''
      await operator.roll()
      const { code_verifier } = request
      const grant = { grant_type: 'authorization_code', redirect_uri: callback }
      const redeemed = await token(system.url, { ...grant, client_id, code, code_verifier })
      expect(redeemed.status).toBe(200)

      const late = openBrowser()
      const begun = await late.open(authorizationRequest(system.url, client_id).url)
      await rotate('remove', 'cookie', '--kid', old)
      await operator.roll()
      const on = await late.submit(begun, formOf(begun), {
        press: { name: 'provider', value: 'dev' },
      })
      expect(on.url.origin).toBe(company.issuer)
    },
    3 * minutes,
  )

  it(
    'K03 the secret at the identity provider: nothing else changes',
    async () => {
      const before = await signedIn()
      const [old = ''] = company.secrets
      const fresh = randomUUID()
      company.secrets.push(fresh)
      await system.roll({ identity_providers: [{ ...company.setting, client_secret: fresh }] })
      company.secrets.splice(company.secrets.indexOf(old), 1)
      for (const at of [one, other]) expect(await admitted(at, before)).toBe(200)
      // Due for the question to the identity provider, which only the new secret may ask.
      const asked_at = new Date(Date.now() - 2 * minutes)
      await system.db.updateTable('connections').set({ idp_asked_at: asked_at }).execute()
      const asked = company.refreshes
      await refreshed(one, before)
      expect(company.refreshes).toBe(asked + 1)
      expect(
        await system.db
          .selectFrom('connections')
          .select('idp_unavailable_since')
          .where('id', '=', connectionOf(before))
          .executeTakeFirstOrThrow(),
      ).toEqual({ idp_unavailable_since: null })
      expect(await admitted(other, await signedIn())).toBe(200)
    },
    2 * minutes,
  )

  const runKeys = (...args: string[]) =>
    runCommand('plugins/mcp-oidc/commands/keys/main.ts', [...args, '--env', operator.file])

  async function ringOf(variable: string): Promise<string> {
    return (await environment())[variable] ?? ''
  }

  const environment = async (): Promise<Record<string, string | undefined>> =>
    parseEnv(await readFile(operator.file, 'utf8'))

  async function revoke(user: string): Promise<void> {
    const args = ['revoke', '--user', user, '--yes', '--env', operator.file]
    expect((await runCommand('storage/commands/connections/main.ts', args)).code).toBe(0)
  }

  /** The identity provider says that the session is over in which this was approved. */
  async function logOut(id: string): Promise<void> {
    const ring = parseKeyRing(await ringOf('STORAGE_KEYS'))
    const found = await findConnection({ db: system.db, ring }, id)
    const now = Math.floor(Date.now() / 1000)
    const logout_token = await company.sign({
      ...{ iss: company.issuer, aud: idp_client_id, iat: now, exp: now + 120 },
      ...{ jti: randomUUID(), sid: found?.profile.idp_sid },
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    })
    const body = new URLSearchParams({ logout_token })
    const answer = await fetch(`${other.url}/backchannel-logout/dev`, { method: 'POST', body })
    expect(answer.status).toBe(200)
  }
})
