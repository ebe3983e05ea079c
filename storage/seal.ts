import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { type KeyRing, type SecretKey, subkey } from './key-ring.ts'

/*
 * An envelope: version (1 byte), length of kid (1 byte), kid, nonce (12), tag (16), ciphertext.
 * The additional data is everything before the nonce and the row's name, so an envelope opens in
 * its own row only. Random 96-bit nonces are safe for 2^32 envelopes under one key (NIST SP
 * 800-38D 8.3), some years of a busy gateway: rotate the storage key sooner than that.
 */
const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'

export type SealErrorCode = 'unknown_key' | 'tampered' | 'malformed'

/** A sealed value that does not open. The message holds neither key nor content. */
export class SealError extends Error {
  override readonly name = 'SealError'
  readonly code: SealErrorCode

  constructor(code: SealErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Encrypts a JSON value for one row.
 *
 * @param row the row's identity, table first: `connections/abc`
 * @throws TypeError when JSON has no form for the value
 */
export function seal(ring: KeyRing, row: string, value: unknown): Buffer {
  const json = JSON.stringify(value) as string | undefined
  if (json === undefined) throw new TypeError('only JSON values can be sealed')
  const [key] = ring
  const header = sealedPrefix(key)
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, sealingKey(key), nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(additionalData(header, row))
  const ciphertext = Buffer.concat([cipher.update(json, 'utf8'), cipher.final()])
  return Buffer.concat([header, nonce, cipher.getAuthTag(), ciphertext])
}

/**
 * Opens what {@link seal} made for the same row.
 *
 * @throws SealError `unknown_key`: sealed with a key that is not in the ring; `tampered`: changed,
 *   or another row's; `malformed`: not an envelope at all
 */
export function unseal(ring: KeyRing, row: string, envelope: Uint8Array): unknown {
  const { header, kid, nonce, tag, ciphertext } = open(Buffer.from(envelope), row)
  const key = ring.find(candidate => candidate.kid === kid)
  const named = `key ${JSON.stringify(kid)}`
  if (key === undefined)
    throw new SealError('unknown_key', `${row} is sealed with ${named}, which is not in the ring`)
  const decipher = createDecipheriv(CIPHER, sealingKey(key), nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(additionalData(header, row))
  decipher.setAuthTag(tag)
  const json = decipher.update(ciphertext)
  try {
    decipher.final()
  } catch {
    throw new SealError(
      'tampered',
      `${row} was changed, belongs to another row, or its ${named} is another one of that name`,
    )
  }
  return JSON.parse(json.toString('utf8'))
}

/** How every envelope begins that this key sealed, and no other one. */
export function sealedPrefix({ kid }: Pick<SecretKey, 'kid'>): Buffer {
  const bytes = Buffer.from(kid)
  return Buffer.concat([Buffer.of(VERSION, bytes.length), bytes])
}

function open(envelope: Buffer, row: string) {
  const [version, kidLength] = envelope
  if (version !== VERSION || kidLength === undefined)
    throw new SealError('malformed', `${row} holds no sealed value of a known version`)
  const header = envelope.subarray(0, 2 + kidLength)
  const nonce = envelope.subarray(header.length, header.length + NONCE_BYTES)
  const body = header.length + NONCE_BYTES
  const tag = envelope.subarray(body, body + TAG_BYTES)
  if (tag.length < TAG_BYTES)
    throw new SealError('malformed', `${row} holds a sealed value that is cut short`)
  const kid = header.subarray(2).toString('utf8')
  return { header, kid, nonce, tag, ciphertext: envelope.subarray(body + TAG_BYTES) }
}

const additionalData = (header: Buffer, row: string) => Buffer.concat([header, Buffer.from(row)])
const sealingKey = (key: SecretKey) => subkey(key, 'seal')
