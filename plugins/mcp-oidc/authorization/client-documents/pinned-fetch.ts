import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { rootCertificates } from 'node:tls'
import { Agent, request } from 'undici'
import { notFetched, refused } from './document-error.ts'
import { isPublicAddress } from './public-address.ts'

export interface PinnedFetchParts {
  /** Every address of a host. */
  readonly resolve: (hostname: string) => Promise<readonly LookupAddress[]>
  /** Trusted beside the usual authorities, PEM. */
  readonly ca?: string | undefined
  /** Milliseconds, from the look-up of the name to the last byte. */
  readonly timeout: number
}

export interface Fetched {
  readonly body: Buffer
  readonly cache_control: string | undefined
}

/** Rejects with DocumentError. `may_be_private`: the operator lets this host be in our own network. */
export type PinnedFetch = (url: URL, options: { may_be_private: boolean }) => Promise<Fetched>

/** A document is at most 5 kB (requirement R02). */
export const most_bytes = 5 * 1024

/**
 * Fetches JSON of a stranger's choosing. The name is resolved once, every address is judged, and the
 * connection goes to those addresses and no other, while TLS is checked against the name. What is
 * not a plain 200 of JSON is refused; a redirect is not followed.
 */
export function createPinnedFetch({ resolve, ca, timeout }: PinnedFetchParts): PinnedFetch {
  return async (url, { may_be_private }) => {
    const signal = AbortSignal.timeout(timeout)
    const addresses = await within(signal, resolve(url.hostname)).catch((error: unknown) => {
      throw notFetched(error)
    })
    const unfit = addresses.find(({ address }) => !may_be_private && !isPublicAddress(address))
    if (unfit || addresses.length === 0)
      throw notFetched(
        new Error(`${url.hostname} has the address ${unfit?.address ?? 'of nobody'}`),
      )
    const agent = new Agent({
      allowH2: false,
      maxHeaderSize: 16 * 1024,
      connect: {
        lookup: pinned(addresses),
        rejectUnauthorized: true,
        timeout,
        ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
      },
    })
    try {
      return await read(agent, url, signal)
    } finally {
      await agent.destroy()
    }
  }
}

async function read(agent: Agent, url: URL, signal: AbortSignal): Promise<Fetched> {
  const headers = { accept: 'application/json', 'accept-encoding': 'identity' }
  const response = await request(url, { dispatcher: agent, headers, signal }).catch(
    (error: unknown) => {
      throw notFetched(error)
    },
  )
  const header = (name: string) => [response.headers[name] ?? []].flat().join(', ')
  if (response.statusCode >= 500 || response.statusCode === 429)
    throw notFetched(new Error(`${url.host} answered ${response.statusCode}`))
  if (response.statusCode !== 200)
    throw refused(`it was answered with status ${response.statusCode} in place of 200`)
  if (!/^application\/(?:[\w.-]+\+)?json(?:\s*;|$)/i.test(header('content-type')))
    throw refused('it is not declared as JSON')
  if (!/^(?:identity)?$/i.test(header('content-encoding'))) throw refused('it is compressed')
  if (Number(header('content-length')) > most_bytes) throw tooLarge()
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > most_bytes) break
      chunks.push(chunk)
    }
  } catch (error) {
    throw notFetched(error)
  }
  if (bytes > most_bytes) throw tooLarge()
  return { body: Buffer.concat(chunks), cache_control: header('cache-control') || undefined }
}

function tooLarge() {
  return refused(`it is larger than ${most_bytes} bytes`)
}

/** Answers every question with the addresses that were judged. */
function pinned(addresses: readonly LookupAddress[]): LookupFunction {
  const [first] = addresses
  return (_hostname, options, answer) => {
    if (options.all === true) answer(null, [...addresses])
    else answer(null, first?.address ?? '', first?.family)
  }
}

/** A look-up cannot be called off; it is not waited for any longer. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error('the name was not resolved in time'))
    signal.addEventListener('abort', late, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', late))
  })
}
