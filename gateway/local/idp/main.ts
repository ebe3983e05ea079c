import { pino } from 'pino'
import type { JWKS } from 'oidc-provider'
import { startIdentityProvider } from './identity-provider.ts'

const usage = `The development identity provider: users with a known password, for this computer alone.

  node gateway/local/idp/main.ts

Environment:
  PORT            port on loopback (8400); the issuer is http://localhost:PORT
  HOST            another address to listen at: in a container whose port is published on loopback alone
  CLIENT_SECRET   secret of the client mcp-oidc-gateway (required)
  REDIRECT_URIS   its redirect URIs, separated by commas (http://localhost:8000/callback/dev)
  SIGNING_KEYS    private JWKS (new at every start)
  COOKIE_KEYS     secrets that sign cookies, separated by commas (new at every start)`

const log = pino({ name: 'dev-idp', base: null }, process.stdout)
process.stdout.on('error', () => process.exit(1))

async function main(): Promise<void> {
  if (process.argv.includes('--help')) return console.log(usage)
  const { CLIENT_SECRET, COOKIE_KEYS, HOST, PORT, REDIRECT_URIS, SIGNING_KEYS } = process.env
  if (!CLIENT_SECRET) throw new TypeError('CLIENT_SECRET is missing; see --help')
  const provider = await startIdentityProvider({
    port: Number(PORT ?? 8400),
    ...(HOST ? { host: HOST } : {}),
    client_secret: CLIENT_SECRET,
    redirect_uris: (REDIRECT_URIS ?? 'http://localhost:8000/callback/dev').split(','),
    ...(SIGNING_KEYS === undefined ? {} : { signing_keys: JSON.parse(SIGNING_KEYS) as JWKS }),
    ...(COOKIE_KEYS === undefined ? {} : { cookie_keys: COOKIE_KEYS.split(',') }),
    log: (event, err) => log.error({ err }, event),
  })
  log.info({ issuer: provider.issuer }, 'listening')
  const stop = () => void provider.close()
  process.once('SIGTERM', stop).once('SIGINT', stop)
}

main().catch((error: unknown) => {
  log.fatal({ err: error }, 'could not start')
  process.exitCode = 1
})
