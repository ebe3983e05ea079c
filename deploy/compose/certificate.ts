import { X509Certificate } from 'node:crypto'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { dirname } from 'node:path'
import { generate } from 'selfsigned'
import { readKeyPair } from '../../gateway/local/gateway/key-pair.ts'

export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

const DAYS = 397
const DAY = 86_400_000

/**
 * Makes a certificate for this host, signed by itself, and its key, unless there is one. Gives
 * whether it made one. Throws when only one of the two is there.
 *
 * The folder is closed (0700) and the files are not (0644): Kong's account in the container reads
 * them, while on this computer nobody else gets as far as the folder.
 */
export async function makeCertificate(
  { certificate, key }: CertificateFiles,
  host: string,
  now: number,
): Promise<boolean> {
  const there = await Promise.all([certificate, key].map(isThere))
  if (there.every(Boolean)) return false
  if (there.some(Boolean)) {
    const [has, lacks] = there[0] ? [certificate, key] : [key, certificate]
    throw new Error(
      `${has} is there, and ${lacks} is not. Put it beside it, or remove ${has} to have both made anew.`,
    )
  }
  await mkdir(dirname(certificate), { recursive: true, mode: 0o700 })
  const names = [...new Set([host, 'localhost'])].filter(
    name => !isIP(name.replace(/^\[|\]$/g, '')),
  )
  const made = await generate([{ name: 'commonName', value: host }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - DAY),
    notAfterDate: new Date(now + DAYS * DAY),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...names.map(name => ({ type: 2 as const, value: name })),
          { type: 7 as const, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  await writeFile(certificate, made.cert, { mode: 0o644, flag: 'wx' })
  await writeFile(key, made.private, { mode: 0o644, flag: 'wx' })
  return true
}

/** Everything that is wrong with the files for this host, with what to do. */
export async function certificateProblems(
  { certificate, key }: CertificateFiles,
  host: string,
  now: number,
): Promise<readonly string[]> {
  const pair = await readKeyPair({ certificate, key, port: 0 })
  if ('problems' in pair)
    return pair.problems.map(problem =>
      problem.replaceAll('--certificate ', 'TLS: ').replaceAll('--key ', 'TLS: '),
    )
  const leaf = new X509Certificate(pair.cert)
  const problems: string[] = []
  if (leaf.validToDate.getTime() < now)
    problems.push(`TLS: ${certificate} ran out on ${leaf.validTo}; replace it and its key`)
  if (leaf.validFromDate.getTime() > now)
    problems.push(`TLS: ${certificate} is valid from ${leaf.validFrom} only`)
  const address = host.replace(/^\[|\]$/g, '')
  const covers = isIP(address) ? leaf.checkIP(address) : leaf.checkHost(address)
  if (covers === undefined)
    problems.push(`TLS: ${certificate} is not for ${host}, the host of GATEWAY_URL`)
  return problems
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
