import type { LookupAddress } from 'node:dns'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { DocumentError } from '../../../../plugins/mcp-oidc/authorization/client-documents/document-error.ts'
import {
  createPinnedFetch,
  most_bytes,
} from '../../../../plugins/mcp-oidc/authorization/client-documents/pinned-fetch.ts'
import {
  type DocumentServer,
  json,
  openDocumentServer,
  type Respond,
} from '../../../support/document-server.ts'
import { expectSoon } from '../../../support/soon.ts'

let server: DocumentServer
/** At another address of this computer, with the same port and the same certificate. */
let other: DocumentServer
beforeAll(async () => {
  const opened = await openDocumentServer()
  server = opened
  other = await openDocumentServer({ address: '127.0.0.2', port: opened.port }, opened.pair)
})
afterAll(() => Promise.all([server.close(), other.close()]))
beforeEach(() => {
  for (const each of [server, other]) {
    each.asked.length = 0
    each.respond = json({ from: each === server ? 'server' : 'other' })
  }
})

const ipv4 = (...addresses: string[]): LookupAddress[] =>
  addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))

/** A resolver that answers each question with the next of these, and then with the last for ever. */
function resolver(...answers: readonly LookupAddress[][]) {
  const questions: string[] = []
  const resolve = (hostname: string) => {
    questions.push(hostname)
    return Promise.resolve(answers[Math.min(questions.length, answers.length) - 1] ?? [])
  }
  return { questions, resolve }
}

interface Options {
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>
  readonly timeout?: number
  readonly ca?: string | undefined
  readonly may_be_private?: boolean
  readonly host?: string
}

async function get(options: Options = {}) {
  const { resolve = resolver(ipv4('127.0.0.1')).resolve, timeout = 5_000 } = options
  const ca = 'ca' in options ? options.ca : server.ca
  const fetch = createPinnedFetch({ resolve, timeout, ca })
  const url = new URL(`https://${options.host ?? 'client.test'}:${server.port}/client.json`)
  const { body } = await fetch(url, { may_be_private: options.may_be_private ?? true })
  return JSON.parse(body.toString()) as unknown
}

async function refusal(options: Options = {}): Promise<DocumentError> {
  const error = await get(options).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof DocumentError)) throw new Error(`not refused: ${String(error)}`)
  return error
}

const unfetched = 'it could not be fetched over https from a public address'

describe('R02 a document is fetched', () => {
  it('over TLS from the address that was judged, and the name is looked up once', async () => {
    const names = resolver(ipv4('127.0.0.1'))
    expect(await get(names)).toEqual({ from: 'server' })
    expect(names.questions).toEqual(['client.test'])
    expect([server.asked, other.asked]).toEqual([['/client.json'], []])
  })

  it('from the first answer of a name that is rebound, whatever the second would be', async () => {
    const names = resolver(ipv4('127.0.0.2'), ipv4('127.0.0.1'))
    expect(await get(names)).toEqual({ from: 'other' })
    expect(names.questions).toHaveLength(1)
    expect(server.asked).toEqual([])
  })

  it('with no cookie and nothing about us, and may be as large as is allowed', async () => {
    let sent: object = {}
    const text = `"${'x'.repeat(most_bytes - 2)}"`
    server.respond = (req, res) => {
      sent = req.headers
      res.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(text)
    }
    expect(await get()).toHaveLength(most_bytes - 2)
    expect(Object.keys(sent).sort()).toEqual(['accept', 'accept-encoding', 'connection', 'host'])
  })
})

describe('R02 a document is not fetched from', () => {
  it.each([
    '127.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::1',
    'fd00::1',
    'fe80::1',
  ])('a host at %s, with the same words for each', async address => {
    const error = await refusal({
      resolve: resolver(ipv4(address)).resolve,
      may_be_private: false,
    })
    expect([error.message, error.transient]).toEqual([unfetched, true])
    expect(String(error.cause)).toContain(address)
    expect(server.asked).toEqual([])
  })

  it('a host of which one address is public and one is not', async () => {
    for (const addresses of [
      ['1.1.1.1', '127.0.0.1'],
      ['127.0.0.1', '1.1.1.1'],
      ['2606:4700::1111', '::1'],
    ]) {
      const { resolve } = resolver(ipv4(...addresses))
      expect((await refusal({ resolve, may_be_private: false })).message).toBe(unfetched)
    }
    expect(server.asked).toEqual([])
  })

  it('a name without address, or one that cannot be looked up', async () => {
    expect((await refusal({ resolve: () => Promise.resolve([]) })).message).toBe(unfetched)
    const failed = await refusal({ resolve: () => Promise.reject(new Error('ENOTFOUND internal')) })
    expect(failed.message).toBe(unfetched)
    const never = new Promise<never>(() => undefined)
    expect((await refusal({ resolve: () => never, timeout: 50 })).message).toBe(unfetched)
  })

  it('a server with a certificate for another name, or of an authority that nobody knows', async () => {
    expect((await refusal({ host: 'client.example' })).message).toBe(unfetched)
    expect((await refusal({ ca: undefined })).message).toBe(unfetched)
    expect(server.asked).toEqual([])
  })

  it('an address where nobody listens', async () => {
    const { resolve } = resolver(ipv4('127.0.0.3'))
    expect((await refusal({ resolve })).message).toBe(unfetched)
  })
})

const head =
  (status: number, headers: Readonly<Record<string, string>> = {}): Respond =>
  (_req, res) =>
    void res.writeHead(status, headers).end('{}')
const json_type = { 'content-type': 'application/json' }

describe('R02 an answer is refused', () => {
  it.each<[string, Respond, string]>([
    ...[301, 302, 303, 307, 308].map((status): [string, Respond, string] => [
      `that leads elsewhere (${status})`,
      (_req, res) =>
        void res.writeHead(status, { location: `https://127.0.0.2:${server.port}/secret` }).end(),
      `it was answered with status ${status}`,
    ]),
    ...[201, 204, 206, 304, 401, 404].map((status): [string, Respond, string] => [
      `of status ${status}`,
      head(status, json_type),
      `it was answered with status ${status}`,
    ]),
    ['of status 500', head(500, json_type), unfetched],
    ['of status 429', head(429, json_type), unfetched],
    ['without a type', head(200), 'it is not declared as JSON'],
    ['of HTML', head(200, { 'content-type': 'text/html' }), 'it is not declared as JSON'],
    ['of nearly JSON', head(200, { 'content-type': 'application/jsonx' }), 'it is not declared'],
    [
      'that is compressed',
      head(200, { ...json_type, 'content-encoding': 'gzip' }),
      'it is compressed',
    ],
    [
      'that says it is too large',
      (_req, res) => {
        res.writeHead(200, { ...json_type, 'content-length': String(most_bytes + 1) })
        res.write('{')
      },
      'it is larger than 5120 bytes',
    ],
    [
      'that is one byte too large',
      (_req, res) => void res.writeHead(200, json_type).end('x'.repeat(most_bytes + 1)),
      'it is larger than 5120 bytes',
    ],
    [
      'that never ends',
      (_req, res) => {
        res.writeHead(200, json_type)
        const more = () => {
          while (res.write('x'.repeat(1_024)));
        }
        res.on('drain', more)
        more()
      },
      'it is larger than 5120 bytes',
    ],
    [
      'that breaks off',
      (_req, res) => {
        res.writeHead(200, { ...json_type, 'content-length': '100' })
        res.write('{')
        setImmediate(() => res.destroy())
      },
      unfetched,
    ],
    [
      'with headers without end',
      head(200, { ...json_type, 'x-long': 'x'.repeat(20_000) }),
      unfetched,
    ],
  ])('%s', async (_name, respond, words) => {
    server.respond = respond
    expect((await refusal()).message).toContain(words)
    expect(other.asked).toEqual([])
  })

  it.each<[string, Respond]>([
    ['no answer', () => undefined],
    ['no body', (_req, res) => res.writeHead(200, json_type).flushHeaders()],
    [
      'a body of a byte now and then',
      (_req, res) => {
        res.writeHead(200, json_type)
        const drip = setInterval(() => res.write(' '), 20)
        res.on('close', () => clearInterval(drip))
      },
    ],
  ])('that takes too long, with %s', async (_name, respond) => {
    server.respond = respond
    const begun = performance.now()
    const error = await refusal({ timeout: 300 })
    expect(performance.now() - begun).toBeLessThan(3_000)
    expect([error.message, error.transient]).toEqual([unfetched, true])
  })
})

describe('R02 a fetch leaves no connection behind', () => {
  const endless: Respond = (_req, res) => {
    res.writeHead(200, json_type)
    const more = () => {
      while (res.write('x'.repeat(1_024)));
    }
    res.on('drain', more)
    more()
  }
  it.each<[string, Respond, number?]>([
    ['that was answered', json({ from: 'server' })],
    ['whose answer was refused before its body', head(404, json_type)],
    [
      'whose answer was refused while its body was on its way',
      (_req, res) => res.writeHead(200, { 'content-type': 'text/html' }).write('<'),
    ],
    [
      'whose answer said that it is too large',
      (_req, res) => {
        res.writeHead(200, { ...json_type, 'content-length': '9000' }).write('{')
      },
    ],
    ['whose answer never ended', endless],
    ['that nobody answered in time', () => undefined, 1_500],
    [
      'that got half an answer in time',
      (_req, res) => res.writeHead(200, json_type).write('{'),
      1_500,
    ],
  ])('%s', async (_name, respond, timeout = 5_000) => {
    const seen: number[] = []
    server.respond = (req, res) => {
      void server.connections().then(count => seen.push(count))
      respond(req, res)
    }
    await Promise.allSettled(Array.from({ length: 5 }, () => get({ timeout })))
    expect(server.asked).toHaveLength(5)
    // They were counted while there were some.
    expect(Math.max(...seen)).toBeGreaterThan(0)
    await expectSoon(() => server.connections(), 0)
  })

  it('also when the certificate is not believed', async () => {
    await refusal({ ca: undefined })
    await expectSoon(() => server.connections(), 0)
  })
})
