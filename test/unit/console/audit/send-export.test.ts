import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import express from 'express'
import { fileName, sendExport } from '../../../../console/audit/send-export.ts'
import { jsonl } from '../../../../storage/audit-format.ts'
import { audit_columns, type ExportedEvent } from '../../../../storage/export-audit-events.ts'

const nothing = Object.fromEntries(audit_columns.map(name => [name, null]))
const page = (bytes: number) => [{ ...nothing, id: 1, reason: 'x'.repeat(bytes) } as ExportedEvent]

describe('sendExport', () => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })

  /** Serves one export; tells how many pages were asked for, and how it ended. */
  async function serve(
    read: () => AsyncGenerator<readonly ExportedEvent[]>,
    patience = 30_000,
  ): Promise<{
    url: string
    pages: () => number
    finished: () => boolean
    ended: Promise<unknown>
  }> {
    let pages = 0
    let finished = false
    const { promise: ended, resolve } = Promise.withResolvers<unknown>()
    async function* counted() {
      try {
        for await (const each of read()) {
          pages += 1
          yield each
        }
      } finally {
        finished = true
      }
    }
    const app = express().get('/', (_, response) => {
      sendExport(response, counted(), { format: jsonl, file_name: 'a.jsonl', patience }).then(
        () => resolve('sent'),
        (error: unknown) => {
          if (!response.headersSent) response.status(503).end()
          resolve(error)
        },
      )
    })
    const server = createServer(app).listen(0, '127.0.0.1')
    await new Promise(listening => server.once('listening', listening))
    closing.push(async () => {
      server.closeAllConnections()
      await new Promise(closed => server.close(closed))
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    return { url, pages: () => pages, finished: () => finished, ended }
  }

  async function* many(bytes: number, count = Number.POSITIVE_INFINITY) {
    for (let n = 0; n < count; n += 1) yield await Promise.resolve(page(bytes))
  }

  /** Takes the head of an answer, and of its body nothing. */
  const begin = (url: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      get(url, resolve).on('error', reject)
    })

  it('C02 sends a file that nobody keeps', async () => {
    const { url, ended } = await serve(() => many(10, 3))
    const response = await fetch(url)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/jsonl; charset=utf-8',
      'content-disposition': 'attachment; filename=a.jsonl',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    expect((await response.text()).trimEnd().split('\n')).toHaveLength(3)
    expect(await ended).toBe('sent')
  })

  it('C02 sends an empty file when there is nothing', async () => {
    const { url } = await serve(() => many(10, 0))
    const response = await fetch(url)
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it('C02 reads no further than it is read, and stops when the reader leaves', async () => {
    const { url, pages, finished, ended } = await serve(() => many(1_000_000))
    const response = await begin(url)
    response.pause()
    // As soon as nothing moves, buffers of the system included.
    for (let before = -1; before !== pages(); await new Promise(next => setTimeout(next, 250)))
      before = pages()
    expect(pages()).toBeLessThan(60)
    response.destroy()
    expect(await ended).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    expect(finished()).toBe(true)
  })

  it('C02 cuts off a reader who takes nothing', async () => {
    const { url, finished, ended } = await serve(() => many(1_000_000), 300)
    const response = await begin(url)
    response.on('error', () => undefined)
    response.pause()
    expect(await ended).toMatchObject({ message: 'nothing was read for 300 ms' })
    expect(finished()).toBe(true)
    response.destroy() // who reads nothing does not see the end either
  })

  it('C02 a failure in the middle cuts the answer: no part looks like the whole', async () => {
    const { url, ended } = await serve(async function* () {
      yield await Promise.resolve(page(10))
      throw new Error('the database went away')
    })
    const response = await fetch(url)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
    expect(await ended).toMatchObject({ message: 'the database went away' })
  })

  it('C02 a failure before the first page can still be told', async () => {
    // eslint-disable-next-line require-yield -- it fails before it has anything to yield
    const { url } = await serve(async function* () {
      throw await Promise.resolve(new Error('the database went away'))
    })
    const response = await fetch(url)
    expect([response.status, response.headers.get('content-disposition')]).toEqual([503, null])
  })
})

describe('fileName', () => {
  const [since, until] = [new Date('2026-11-01T00:00Z'), new Date('2026-11-27T09:00Z')]

  it.each([
    ['acme', 'audit-acme-2026-11-01-to-2026-11-27.csv'],
    ['a"; b\r\nx: y/../é', 'audit-a_b_x_y_-2026-11-01-to-2026-11-27.csv'],
  ])('C02 of %j is %s', (whose, name) => {
    expect(fileName(whose, since, until, 'csv')).toBe(name)
  })
})
