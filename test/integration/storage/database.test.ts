import { createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { type Database, openDatabase } from '../../../storage/database.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'

describe('openDatabase', () => {
  let database: TestDatabase
  let killer: Database

  beforeAll(async () => {
    database = await createTestDatabase()
    killer = openDatabase(database.url, { max: 1 })
  })

  afterAll(async () => {
    await killer.destroy()
    await database.drop()
  })

  const kill = (application_name: string) =>
    sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where application_name = ${application_name}`.execute(killer)

  const answers = async (db: Database) =>
    (await sql<{ one: number }>`select 1 as one`.execute(db)).rows[0]?.one

  it('K05 survives the loss of an idle connection', async () => {
    const db = openDatabase(database.url, { application_name: 'idle' })
    expect(await answers(db)).toBe(1)
    await kill('idle')
    // The loss may be noticed by this query or before it; either way the next one works.
    await answers(db).catch(() => undefined)
    expect(await answers(db)).toBe(1)
    await db.destroy()
  })

  it('K05 survives the loss of a connection in a transaction, and tells who was using it', async () => {
    const errors: Error[] = []
    const on_error = (error: Error) => void errors.push(error)
    const db = openDatabase(database.url, { application_name: 'busy', max: 1, on_error })
    const work = db.transaction().execute(async transaction => {
      await answers(transaction)
      await kill('busy')
      await answers(transaction)
    })
    await expect(work).rejects.toThrow()
    expect(errors).not.toEqual([])
    expect(await answers(db)).toBe(1)
    await db.destroy()
  })

  it('K05 rejects when nothing listens', async () => {
    const db = openDatabase('postgresql://postgres@127.0.0.1:1/postgres')
    await expect(answers(db)).rejects.toThrow('ECONNREFUSED')
    await db.destroy()
  })

  it('K05 gives up on a server that takes the connection and never answers', async () => {
    const sockets: Socket[] = []
    const silent = createServer(socket => void sockets.push(socket))
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const db = openDatabase(`postgresql://postgres@127.0.0.1:${port}/postgres`, {
      connect_timeout: 200,
    })
    await expect(answers(db)).rejects.toThrow('timeout')
    await db.destroy()
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => silent.close(resolve))
  })

  it('cancels a statement that takes too long', async () => {
    const db = openDatabase(database.url, { statement_timeout: 100 })
    await expect(sql`select pg_sleep(5)`.execute(db)).rejects.toThrow('statement timeout')
    await db.destroy()
  })

  it('reads bigint as a number, and refuses one that does not fit', async () => {
    const { rows } =
      await sql`select 9007199254740991::bigint as most, count(*) from connections`.execute(killer)
    expect(rows).toEqual([{ most: 9007199254740991, count: 0 }])
    const tooMuch = sql`select 9007199254740993::bigint as n`.execute(killer)
    await expect(tooMuch).rejects.toThrow('9007199254740993 does not fit a number')
  })

  it('reads a time as a Date, whatever the time zone', async () => {
    const { rows } = await sql`select '2026-03-29 02:30:00.123456+02'::timestamptz as at`.execute(
      killer,
    )
    expect(rows).toEqual([{ at: new Date('2026-03-29T00:30:00.123Z') }])
  })
})
