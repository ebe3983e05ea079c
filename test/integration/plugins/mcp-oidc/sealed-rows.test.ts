import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import {
  type AuthorizationServer,
  openAuthorizationServer,
} from '../../../support/authorization-server.ts'
import { secretRing } from '../../../support/config.ts'
import { createRuntime } from '../../../../plugins/mcp-oidc/runtime.ts'
import { forgetKeys } from '../../../../storage/agree-on-keys.ts'
import { describeError } from '../../../../storage/describe-error.ts'
import { parseKeyRing } from '../../../../storage/key-ring.ts'
import { recordingLog } from '../../../support/fake-kong.ts'
import { openConnection, refresh } from '../../../support/open-connection.ts'

describe('a row that does not open', () => {
  let server: AuthorizationServer

  beforeAll(async () => {
    server = await openAuthorizationServer()
  })
  afterAll(() => server.close())

  const row = (id: string) =>
    server.db.selectFrom('connections').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

  const set = (id: string, profile: Buffer | ReturnType<typeof sql<Buffer>>) =>
    server.db.updateTable('connections').set({ profile }).where('id', '=', id).execute()

  /** As it is written: with what the errors say. */
  const said = () =>
    JSON.stringify(server.log.entries, (_name, value: unknown) =>
      value instanceof Error ? describeError(value) : value,
    )

  it.each([
    ['cut short', sql<Buffer>`substring(profile from 1 for 30)`, 'cut short'],
    ['changed', sql<Buffer>`set_byte(profile, 50, get_byte(profile, 50) # 1)`, 'was changed'],
    [
      'sealed with a key that is gone',
      sql<Buffer>`overlay(profile placing 'XX'::bytea from 3)`,
      'which is not in the ring',
    ],
  ])(
    'K03 that was %s is refused with its name, and good again once restored',
    async (_, damaged, says) => {
      const held = await openConnection(server.url)
      const { connection_id: id, access_token } = held
      const { profile } = await row(id)
      await set(id, damaged)
      await expect(
        server.runtime.door.judge({ kind: 'bearer', token: access_token }),
      ).rejects.toThrow(`connections/${id} `)
      const refused = await refresh(server, held)
      expect([refused.status, refused.body.error]).toEqual([503, 'temporarily_unavailable'])
      expect(said()).toContain(`connections/${id} `)
      expect(said()).toContain(says)
      expect(await row(id)).toMatchObject({ status: 'active' })
      await set(id, profile)
      expect((await refresh(server, held)).status).toBe(200)
    },
  )

  it('K03 its client can end the connection all the same', async () => {
    const { client_id, connection_id: id, access_token } = await openConnection(server.url)
    await set(id, Buffer.from('nonsense'))
    const body = new URLSearchParams({ client_id, token: access_token })
    expect((await fetch(`${server.url}/revoke`, { method: 'POST', body })).status).toBe(200)
    expect(await row(id)).toMatchObject({ status: 'ended', ended_reason: 'client_revoked' })
  })

  it('K03 a ring without the key of old rows: the line names row and kid, nothing is lost', async () => {
    const { connection_id: id, access_token } = await openConnection(server.url)
    const settings = { ...server.settings, storage_keys: parseKeyRing(secretRing('another')) }
    const runtime = createRuntime(settings, recordingLog(), Date.now)
    try {
      await expect(runtime.ready()).rejects.toThrow('storage_keys: lacks "storage"')
      // An operator insists.
      await forgetKeys(server.db, 'storage_keys')
      await runtime.ready()
      await expect(runtime.door.judge({ kind: 'bearer', token: access_token })).rejects.toThrow(
        `connections/${id} is sealed with key "storage", which is not in the ring`,
      )
    } finally {
      await runtime.close()
    }
    const verdict = await server.runtime.door.judge({ kind: 'bearer', token: access_token })
    expect(verdict.refused).toBe(false)
  })
})
