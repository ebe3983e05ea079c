import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyPair } from '../integration/gateway/local/key-pair.ts'

/** Clients that wait for their answer, on the web and on this computer. */
export interface ClientServers {
  /** Where the https host is served: Chromium is told. */
  readonly https_port: number
  readonly web_callback: string
  readonly loopback_callback: string
  close(): Promise<void>
}

export const web_host = 'app.example'

export async function openClientServers(): Promise<ClientServers> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-browser-'))
  const { certificate, key } = await createKeyPair(folder, 'client')
  const tls = { cert: await readFile(certificate), key: await readFile(key) }
  const answer: RequestListener = (req, res) => {
    // As many clients do: the callback is not where the browser stays.
    if (req.url?.startsWith('/callback'))
      return void res.writeHead(302, { location: req.url.replace('/callback', '/done') }).end()
    res.writeHead(200, { 'content-type': 'text/html' })
    res.end('<!doctype html><html lang="en"><title>Client</title><h1>The client has it</h1>')
  }
  const [web, local] = [createHttpsServer(tls, answer), createHttpServer(answer)]
  const [https_port, port] = await Promise.all([listen(web), listen(local)])
  return {
    https_port,
    web_callback: `https://${web_host}/callback`,
    loopback_callback: `http://127.0.0.1:${port}/callback`,
    async close() {
      for (const server of [web, local]) server.closeAllConnections()
      await Promise.all([web, local].map(server => new Promise(done => server.close(done))))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
