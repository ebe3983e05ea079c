import { randomBytes, randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { exportJWK, generateKeyPair } from 'jose'
import { z } from 'zod'
import { createSigningKey } from '../idp/identity-provider.ts'

const key_set = z.object({ keys: z.array(z.looseObject({ kid: z.string() })).min(1) })

const DevelopmentKeys = z.object({
  /** Private JWKS, ES256. */
  signing_keys: key_set,
  /** JWKS of 256-bit `oct` keys. */
  storage_keys: key_set,
  cookie_keys: key_set,
  dev_idp_client_secret: z.string().min(1),
  console_client_secret: z.string().min(1),
  console_cookie_keys: key_set,
  /** Private JWKS, RS256. */
  dev_idp_signing_keys: key_set,
  dev_idp_cookie_key: z.string().min(1),
})

export type DevelopmentKeys = z.output<typeof DevelopmentKeys>

/**
 * The keys of this computer's stack: made once, then read. A file that is there but not usable is
 * an error and stays untouched, for rows sealed with its keys could not be opened with new ones.
 */
export async function loadDevelopmentKeys(file: string): Promise<DevelopmentKeys> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return create(file)
  try {
    const keys = JSON.parse(text) as object
    const older = DevelopmentKeys.omit({ console_client_secret: true, console_cookie_keys: true })
    // A file from before there was a console: nothing is sealed with what it lacks.
    if (!('console_client_secret' in keys))
      return await write(file, { ...older.parse(keys), ...consoleKeys() })
    return DevelopmentKeys.parse(keys)
  } catch (cause) {
    throw new Error(
      `${file} does not hold the development keys. Restore it, or remove the whole folder to start afresh.`,
      { cause },
    )
  }
}

async function create(file: string): Promise<DevelopmentKeys> {
  const keys: DevelopmentKeys = {
    signing_keys: { keys: [await createAssertionKey()] },
    storage_keys: { keys: [createSecretKey()] },
    cookie_keys: { keys: [createSecretKey()] },
    dev_idp_client_secret: randomBytes(32).toString('base64url'),
    ...consoleKeys(),
    dev_idp_signing_keys: { keys: [await createSigningKey()] },
    dev_idp_cookie_key: randomBytes(32).toString('base64url'),
  }
  return write(file, keys)
}

async function write(file: string, keys: DevelopmentKeys): Promise<DevelopmentKeys> {
  // Whole or not at all: a start that is killed here leaves no half a file behind.
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, JSON.stringify(keys, null, 2), { mode: 0o600, flag: 'wx' })
  await rename(draft, file)
  return keys
}

function consoleKeys() {
  return {
    console_client_secret: randomBytes(32).toString('base64url'),
    console_cookie_keys: { keys: [createSecretKey()] },
  }
}

async function createAssertionKey() {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: newKeyId() }
}

function createSecretKey() {
  return { kty: 'oct', k: randomBytes(32).toString('base64url'), kid: newKeyId() }
}

/** The plugin refuses keys of this name unless its public URL is on loopback. */
function newKeyId(): string {
  return `development-${randomBytes(8).toString('hex')}`
}
