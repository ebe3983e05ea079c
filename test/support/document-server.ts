import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export type Respond = (req: IncomingMessage, res: ServerResponse) => void

/** An https server that publishes documents, with a certificate for `localhost` and `client.test`. */
export interface DocumentServer {
  readonly port: number
  /** What its certificate is checked with, PEM. */
  readonly ca: string
  /** Paths that were asked for. */
  readonly asked: string[]
  /** What it answers from now on. */
  respond: Respond
  /** Connections that are open, also those that TLS has not been spoken on. */
  connections(): Promise<number>
  close(): Promise<void>
}

/** Answers with a document. */
export function json(document: unknown, headers: Readonly<Record<string, string>> = {}): Respond {
  return (_req, res) =>
    void res
      .writeHead(200, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify(document))
}

/** Connections that are still open do not keep it from closing. */
export async function openDocumentServer(
  { address = '127.0.0.1', port = 0 } = {},
  pair?: KeyPair,
): Promise<DocumentServer & { readonly pair: KeyPair }> {
  const own = pair ?? (await createPair())
  const asked: string[] = []
  const server = createServer(own, (req, res) => {
    asked.push(req.url ?? '')
    opened.respond(req, res)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  })
  const opened: DocumentServer & { readonly pair: KeyPair } = {
    port: (server.address() as AddressInfo).port,
    ca: own.cert,
    pair: own,
    asked,
    respond: (_req, res) => void res.writeHead(404).end(),
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return opened
}

export interface KeyPair {
  readonly cert: string
  readonly key: string
}

async function createPair(): Promise<KeyPair> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-tls-'))
  const files = { cert: join(folder, 'cert'), key: join(folder, 'key') }
  const names = 'subjectAltName=DNS:localhost,DNS:client.test'
  const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const named = ['-days', '2', '-subj', '/CN=documents', '-addext', names]
  try {
    const all = ['req', ...made, ...named, '-keyout', files.key, '-out', files.cert]
    await promisify(execFile)('openssl', all)
    return { cert: await readFile(files.cert, 'utf8'), key: await readFile(files.key, 'utf8') }
  } catch (cause) {
    throw new Error('these tests make certificates with openssl: install it', { cause })
  } finally {
    await rm(folder, { recursive: true })
  }
}
