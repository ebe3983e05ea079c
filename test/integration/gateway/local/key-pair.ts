import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A certificate for localhost, signed by itself, and its key, as files in PEM. */
export async function createKeyPair(folder: string, name: string) {
  const certificate = join(folder, `${name}.crt`)
  const key = join(folder, `${name}.key`)
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost']
  try {
    await promisify(execFile)('openssl', ['req', ...made, '-keyout', key, '-out', certificate])
  } catch (cause) {
    throw new Error('these tests make certificates with openssl: install it', { cause })
  }
  return { certificate, key }
}
