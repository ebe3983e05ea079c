import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { files, initialise } from './init.ts'
import { isLoopback } from './variables.ts'

const usage = `Makes what docker-compose.yml needs: .env with new secrets (mode 0600) and a certificate for TLS.
What is there is never changed; run it again after an update, and it adds what is missing.

  npm run compose:init -- [--url URL]

  --url URL   the public URL of the gateway (http://localhost:8000): https, unless it is this computer's own
  --help      this text`

const root = fileURLToPath(new URL('../..', import.meta.url))

try {
  const { values } = parseArgs({ options: { url: { type: 'string' }, help: { type: 'boolean' } } })
  if (values.help) console.log(usage)
  else {
    const made = await initialise({ root, url: values.url, now: Date.now() })
    const { certificate } = files(root)
    console.log(
      made.added.length === 0 ? '.env has all it needs' : `.env: added ${made.added.join(', ')}`,
    )
    console.log(
      made.certificate
        ? `${certificate} is a certificate signed by itself: replace it and tls.key by real ones where others connect`
        : `${certificate} is there`,
    )
    console.log(isLoopback(made.url) ? laptop(made.url) : elsewhere(made.url))
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

function laptop(url: string): string {
  return `
Next:  docker compose up --build
Then:  ${url}/mcp is the MCP endpoint, ${url}/console the console; sign in as alice@acme.example, password “password”.
       Grafana is http://localhost:3030 (admin, GRAFANA_ADMIN_PASSWORD of .env), Prometheus http://localhost:9090.`
}

function elsewhere(url: string): string {
  return `
Next:  1. In config/kong.yml, put your identity provider in the place of the development one: docs/identity-providers.md.
          Its redirect URI is ${url}/callback/<id>; its client secret is a line of .env.
       2. Put the certificate and key of ${new URL(url).hostname} into deploy/compose/tls/tls.crt and tls.key.
       3. npm run compose:check
       4. docker compose up --build --detach`
}
