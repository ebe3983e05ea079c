import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { agreeOnKeys, forgetKeys, KeysDiffer } from '../../../storage/agree-on-keys.ts'
import { type Database, openDatabase } from '../../../storage/database.ts'
import { type KeyMark, type RingMarks, secretKeyMark } from '../../../storage/key-mark.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'

const issuer = 'https://gw.example'
const mark = (kid: string, fingerprint = `of ${kid}`): KeyMark => ({ kid, fingerprint })
const signing: RingMarks['signing_keys'] = [mark('sig')]
const rings = (...storage_keys: [KeyMark, ...KeyMark[]]): RingMarks => ({
  signing_keys: signing,
  storage_keys,
  cookie_keys: [mark('cookie')],
})

describe('the keys of the replicas', () => {
  let database: TestDatabase
  let db: Database
  beforeEach(async () => {
    database = await createTestDatabase()
    db = openDatabase(database.url)
  })
  afterEach(async () => {
    await db.destroy()
    await database.drop()
  })
  const start = (...storage: [KeyMark, ...KeyMark[]]) => agreeOnKeys(db, issuer, rings(...storage))

  it('K02 K03 agree at every step of a rotation, whoever restarts in between', async () => {
    const [old, fresh] = [mark('old'), mark('new')]
    for (const ring of [[old], [old, fresh], [fresh, old], [fresh]] as [KeyMark, ...KeyMark[]][]) {
      await start(...ring)
      await start(...ring)
    }
    await start(old, fresh).catch((error: unknown) => expect(error).toBeUndefined())
    await expect(start(old, fresh)).resolves.toBeUndefined()
  })

  it('K02 refuse one that lacks the key in use, naming ring, kid and remedy', async () => {
    await start(mark('a'))
    await expect(start(mark('b'))).rejects.toThrow(KeysDiffer)
    await expect(start(mark('b'))).rejects.toThrow(
      /storage_keys: lacks "a", which they use\. Give every replica the same rings.*docs\/keys\.md/,
    )
    await expect(start(mark('a'))).resolves.toBeUndefined()
  })

  it('K02 refuse one that has another key of the same name', async () => {
    await start(mark('a', 'one'))
    await expect(start(mark('a', 'other'))).rejects.toThrow(
      /storage_keys: "a" is another key there/,
    )
  })

  it('K02 tell of every ring at once', async () => {
    await start(mark('a'))
    const all = {
      ...rings(mark('b')),
      signing_keys: [mark('c')],
      cookie_keys: [mark('d')],
    } as const
    await expect(agreeOnKeys(db, issuer, all)).rejects.toThrow(
      /cookie_keys: lacks "cookie".*|signing_keys: lacks "sig"/,
    )
    const error = await agreeOnKeys(db, issuer, all).catch(String)
    for (const ring of ['signing_keys', 'storage_keys', 'cookie_keys'])
      expect(error).toContain(ring)
  })

  it('K02 of ten strangers that start at once, one is the first and nine are refused', async () => {
    const replicas = Array.from({ length: 10 }, (_, n) => start(mark(`k${n}`)))
    const results = await Promise.allSettled(replicas)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('are told apart by issuer, and forgotten on request', async () => {
    await start(mark('a'))
    await agreeOnKeys(db, 'https://other.example', rings(mark('b')))
    expect(await forgetKeys(db, 'storage_keys')).toBe(2)
    await expect(start(mark('b'))).resolves.toBeUndefined()
  })

  it('K01 leave nothing of a key in the database', async () => {
    const key = randomBytes(32)
    const made = secretKeyMark({ kid: 'k', key })
    await start(made)
    const row = JSON.stringify(await db.selectFrom('key_rings').selectAll().execute())
    expect(row).toContain(made.fingerprint)
    for (const form of ['hex', 'base64', 'base64url'] as const)
      expect(row).not.toContain(key.toString(form).slice(0, 12))
    expect(secretKeyMark({ kid: 'k', key: randomBytes(32) }).fingerprint).not.toBe(made.fingerprint)
  })
})
