import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { filesOf, initialiseKubernetes } from './init.ts'

const usage = `Makes the files that deploy/kubernetes/production generates its ConfigMap and Secrets from, with new keys.
What is there is never changed; run it again after an update, and it adds what is missing.

  npm run kubernetes:init -- --url URL --database-url URL

  --url URL            the public URL of the gateway, https
  --database-url URL   postgresql://user:password@host:port/database
  --help               this text`

const root = fileURLToPath(new URL('../..', import.meta.url))

try {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      'database-url': { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  const { url, 'database-url': database_url } = values
  if (values.help) console.log(usage)
  else if (url === undefined || database_url === undefined) {
    console.error(usage)
    process.exitCode = 2
  } else {
    const added = await initialiseKubernetes({ root, url, database_url, now: Date.now() })
    console.log(added.length === 0 ? 'Nothing was missing.' : `Added ${added.join(', ')}`)
    console.log(`
Next, in ${filesOf(root)}:
  1. kong.yml: your identity provider in the place of the development one, its client secret in kong.env.
  2. tls.crt and tls.key: the certificate of ${new URL(url).hostname} and its key.
  3. npm run kubernetes:check`)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
