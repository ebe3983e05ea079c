import { get, type IncomingMessage } from 'node:http'
import { once } from 'node:events'

/** What an export was found to hold. */
export interface ReadExport {
  readonly events: number
  /** Events of another organization, or that came out of order or twice: none when all is well. */
  readonly wrong: number
  readonly bytes: number
  readonly seconds: number
}

/** Reads lines as they come, keeps none, and stops to call `at` whenever so many were read. */
export async function readExport(
  url: string,
  signal: AbortSignal,
  at: ReadonlyMap<number, () => Promise<void>>,
): Promise<ReadExport> {
  const began = performance.now()
  const request = get(url, { signal })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`the export answers ${response.statusCode}`)
  const csv = response.headers['content-type']?.startsWith('text/csv') ?? false
  response.setEncoding('utf8')
  let [rest, events, wrong, bytes, last] = ['', 0, 0, 0, '']
  let heading = csv
  for await (const text of response as AsyncIterable<string>) {
    bytes += Buffer.byteLength(text)
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (heading) {
        heading = false
        continue
      }
      events += 1
      const time = csv ? line.split(',', 2)[1] : /"at":"([^"]+)"/.exec(line)?.[1]
      const own = csv ? line.includes(',acme,') : line.includes('"org_id":"acme"')
      if (!own || time === undefined || time <= last) wrong += 1
      last = time ?? last
      await at.get(events)?.()
    }
  }
  if (!response.complete || rest !== '') throw new Error('the export was cut')
  return { events, wrong, bytes, seconds: (performance.now() - began) / 1000 }
}
