import { chmod, copyFile, mkdir, readFile } from 'node:fs/promises'
import { constants } from 'node:fs'
import { join } from 'node:path'
import {
  readEnvironment,
  type Variable,
  withMissing,
  writeSecrets,
} from '../compose/environment-file.ts'
import { newVariables } from '../compose/variables.ts'

export interface KubernetesInit {
  /** The project's folder. */
  readonly root: string
  readonly url: string
  readonly database_url: string
  /** Milliseconds. */
  readonly now: number
}

export const filesOf = (root: string) => join(root, 'deploy/kubernetes/production/files')

const needs = {
  'kong.env': [
    'GATEWAY_URL',
    'DATABASE_URL',
    'SIGNING_KEYS',
    'STORAGE_KEYS',
    'COOKIE_KEYS',
    'CONSOLE_CLIENT_SECRET',
    'LOG_INGEST_TOKEN',
  ],
  'mcp-server.env': ['GATEWAY_URL', 'DATABASE_URL', 'LOG_INGEST_TOKEN'],
  'console.env': [
    'GATEWAY_URL',
    'DATABASE_URL',
    'STORAGE_KEYS',
    'CONSOLE_COOKIE_KEYS',
    'CONSOLE_CLIENT_SECRET',
  ],
} as const

/**
 * Makes the files of the production overlay, or adds what they lack; what is there stays. The same
 * secret is the same in every file. Gives the names of what it added, as `file: NAME`.
 */
export async function initialiseKubernetes({
  root,
  url,
  database_url,
  now,
}: KubernetesInit): Promise<readonly string[]> {
  if (URL.parse(url)?.protocol !== 'https:' || new URL(url).origin !== url)
    throw new TypeError(`--url ${url} is no https origin, such as https://mcp.acme.example`)
  if (!/^postgres(?:ql)?:$/.test(URL.parse(database_url)?.protocol ?? ''))
    throw new TypeError('--database-url is no postgresql:// URL')
  const folder = filesOf(root)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const file of ['kong.yml', 'permissions.yml'])
    await copyFile(join(root, 'config', file), join(folder, file), constants.COPYFILE_EXCL).catch(
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      },
    )
  const texts = await Promise.all(
    Object.keys(needs).map(async file => [file, await readOr(join(folder, file), '')] as const),
  )
  // What one of the files says holds for all of them.
  const known = Object.assign({}, ...texts.map(([, text]) => readEnvironment(text))) as Record<
    string,
    string
  >
  const made: readonly Variable[] = [
    { name: 'DATABASE_URL', value: database_url },
    ...(await newVariables(url, now)),
  ]
  const added: string[] = []
  for (const [file, text] of texts) {
    const wanted = needs[file as keyof typeof needs].flatMap(name => {
      const value = known[name] ?? made.find(each => each.name === name)?.value
      return value === undefined ? [] : [{ name, value }]
    })
    for (const { name, value } of wanted) known[name] = value
    const complete = withMissing(text, wanted)
    if (complete.added.length > 0) await writeSecrets(join(folder, file), complete.text)
    else await chmod(join(folder, file), 0o600)
    added.push(...complete.added.map(name => `${file}: ${name}`))
  }
  return added
}

function readOr(file: string, otherwise: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise
    throw error
  })
}
