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
    return DevelopmentKeys.parse(JSON.parse(text))
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
    dev_idp_signing_keys: { keys: [await createSigningKey()] },
    dev_idp_cookie_key: randomBytes(32).toString('base64url'),
  }
  // Whole or not at all: a start that is killed here leaves no half a file behind.
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, JSON.stringify(keys, null, 2), { mode: 0o600, flag: 'wx' })
  await rename(draft, file)
  return keys
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
