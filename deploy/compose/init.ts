import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeCertificate } from './certificate.ts'
import { readEnvironment, withMissing, writeSecrets } from './environment-file.ts'
import { isLoopback, newVariables } from './variables.ts'

export interface Initialised {
  readonly url: string
  /** Names of variables that .env lacked. */
  readonly added: readonly string[]
  /** Whether a certificate was made. */
  readonly certificate: boolean
}

export interface InitOptions {
  /** Where docker-compose.yml is. */
  readonly root: string
  /** Public URL; without it the one in .env, or a laptop's. */
  readonly url: string | undefined
  /** Milliseconds. */
  readonly now: number
}

export const files = (root: string) => ({
  environment: join(root, '.env'),
  certificate: join(root, 'deploy/compose/tls/tls.crt'),
  key: join(root, 'deploy/compose/tls/tls.key'),
})

const heading = `# What docker-compose.yml is told, secrets among it: keep it as you keep passwords. Made by
# \`npm run compose:init\`, which adds what is missing and changes nothing. Kong sees all of it: each
# {vault://env/name-of-it} of config/kong.yml is a line NAME_OF_IT=value here, KONG_… are settings of Kong.
`

/**
 * Makes .env (mode 0600) and the certificate, or adds what they lack: nothing that is there is
 * changed. Throws with a remedy when the URL is another one than in .env.
 */
export async function initialise({ root, url, now }: InitOptions): Promise<Initialised> {
  const { environment, certificate, key } = files(root)
  const before = await readFile(environment, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
  const known = before === undefined ? undefined : readEnvironment(before)['GATEWAY_URL']
  if (url !== undefined && known !== undefined && known !== url)
    throw new Error(
      `.env says GATEWAY_URL=${known}. The URL is part of every token: change it there by hand, knowing that all connections end.`,
    )
  const public_url = originOf(known ?? url ?? 'http://localhost:8000')
  const { text, added } = withMissing(before ?? heading, await newVariables(public_url, now))
  if (added.length > 0) await writeSecrets(environment, text)
  else await chmod(environment, 0o600)
  await mkdir(join(root, 'deploy/compose/tls'), { recursive: true, mode: 0o700 })
  const { hostname } = new URL(public_url)
  return {
    url: public_url,
    added,
    certificate: await makeCertificate({ certificate, key }, hostname, now),
  }
}

function originOf(text: string): string {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.origin !== text)
    throw new TypeError(
      `${text} is no public URL: an origin without a slash at its end, such as https://mcp.acme.example`,
    )
  if (url.protocol === 'http:' && !isLoopback(text))
    throw new TypeError(`${text} has to be https: only a computer's own address may do without`)
  return text
}
