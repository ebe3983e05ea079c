import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Response } from 'express'
import { type Format, formatted } from '../../storage/audit-format.ts'
import type { ExportedEvent } from '../../storage/export-audit-events.ts'

export interface Export {
  readonly format: Format
  /** Without what a header cannot hold; `fileName` makes one. */
  readonly file_name: string
  /** Milliseconds that a reader may take nothing before the answer is cut. */
  readonly patience: number
}

/**
 * Answers with events as a file, page by page, at the pace at which it is read; nothing is sent before
 * the first page is there, so that a failure until then can still be told. Resolves when all was handed
 * over. Rejects when something failed, the reader went away or took too long: then the answer is
 * cut, so that nobody takes a part for the whole.
 */
export async function sendExport(
  response: Response,
  pages: AsyncGenerator<readonly ExportedEvent[]>,
  { format, file_name, patience }: Export,
): Promise<void> {
  const first = await pages.next()
  response.status(200).attachment(file_name)
  response.set({
    'content-type': format.content_type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // A proxy that kept it for itself would hold what memory is flat without.
    'x-accel-buffering': 'no',
  })
  const tired = new AbortController()
  response.setTimeout(patience, () => {
    tired.abort()
    response.destroy()
  })
  const texts = formatted(format, beginningWith(first, pages))
  try {
    await pipeline(Readable.from(texts, { highWaterMark: 1 }), response)
  } catch (cause) {
    if (tired.signal.aborted) throw new Error(`nothing was read for ${patience} ms`, { cause })
    throw cause
  }
}

async function* beginningWith<T>(
  first: IteratorResult<T, unknown>,
  others: AsyncGenerator<T>,
): AsyncGenerator<T> {
  if (first.done === true) return
  yield first.value
  yield* others
}

/** `audit-acme-2026-11-01-to-2026-11-27.csv`, of letters that every system takes. */
export function fileName(whose: string, since: Date, until: Date, ending: string): string {
  const plain = whose.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, 60)
  const day = (at: Date) => at.toISOString().slice(0, 10)
  return `audit-${plain}-${day(since)}-to-${day(until)}.${ending}`
}
