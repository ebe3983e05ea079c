import { parseArgs } from 'node:util'

export const usage = `Starts the whole system on this computer and keeps it running until Ctrl-C: PostgreSQL, a
development identity provider, the MCP server, the console, the plugin server and the local gateway. Then a
client goes through the whole flow once, as alice.

  npm start -- [--port PORT] [--url URL] [--no-demo] [--without-gateway]

  --port PORT         the gateway's port (8000)
  --url URL           its public URL, when that is another one than http://localhost:PORT
  --no-demo           do not run the client
  --without-gateway   leave out the gateway and its plugin server, and say how to run a Kong instead
  --help              this text

Data, keys and logs are in .data/. Remove that folder to start afresh.`

export interface Options {
  readonly help: boolean
  readonly port: number
  readonly url: string | undefined
  readonly demo: boolean
  readonly gateway: boolean
}

/** Throws TypeError when an argument is not usable. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      port: { type: 'string', default: '8000' },
      url: { type: 'string' },
      'no-demo': { type: 'boolean', default: false },
      'without-gateway': { type: 'boolean', default: false },
    },
  })
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new TypeError(`--port ${values.port} is not a port`)
  return {
    help: values.help,
    port,
    url: values.url === undefined ? undefined : originOf(values.url),
    demo: !values['no-demo'] && !values['without-gateway'],
    gateway: !values['without-gateway'],
  }
}

function originOf(text: string): string {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search || url.hash)
    throw new TypeError(`--url ${text} is not an origin such as https://gateway.example.com`)
  return url.origin
}
