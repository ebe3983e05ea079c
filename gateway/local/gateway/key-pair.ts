import { X509Certificate, createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'

export interface TlsOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** PEM file of the certificate, those of its issuers after it. */
  readonly certificate: string
  /** PEM file of its private key. */
  readonly key: string
}

export interface KeyPair {
  readonly cert: Buffer
  readonly key: Buffer
}

/** Reads a certificate and its key, or says everything that is wrong with them. */
export async function readKeyPair({
  certificate,
  key,
}: TlsOptions): Promise<KeyPair | { readonly problems: readonly string[] }> {
  const [leaf, private_key] = await Promise.all([
    load('--certificate', certificate, pem => new X509Certificate(pem)),
    load('--key', key, pem => createPrivateKey(pem)),
  ])
  const problems = [leaf, private_key].flatMap(each => ('problem' in each ? [each.problem] : []))
  if ('problem' in leaf || 'problem' in private_key) return { problems }
  if (!leaf.value.checkPrivateKey(private_key.value)) {
    return { problems: [`--key ${key} does not belong to --certificate ${certificate}`] }
  }
  return { cert: leaf.pem, key: private_key.pem }
}

type Loaded<T> = { readonly pem: Buffer; readonly value: T } | { readonly problem: string }

async function load<T>(
  setting: string,
  path: string,
  parse: (pem: Buffer) => T,
): Promise<Loaded<T>> {
  let pem: Buffer
  try {
    pem = await readFile(path)
  } catch (error) {
    return { problem: `${setting} ${path} cannot be read: ${(error as Error).message}` }
  }
  try {
    return { pem, value: parse(pem) }
  } catch (error) {
    const what = setting === '--key' ? 'unencrypted private key' : 'certificate'
    return { problem: `${setting} ${path} is no ${what} in PEM: ${(error as Error).message}` }
  }
}
