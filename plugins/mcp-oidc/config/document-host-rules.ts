import { X509Certificate } from 'node:crypto'
import type { Config } from '../schema.ts'

type DocumentHosts = Pick<
  Config,
  'cimd_allowed_hosts' | 'cimd_denied_hosts' | 'cimd_private_hosts' | 'cimd_ca_certificates'
>

/** What is wrong with the settings about client metadata documents, as `setting: problem and remedy` lines. */
export function documentHostProblems(config: DocumentHosts): readonly string[] {
  const lists = ['cimd_allowed_hosts', 'cimd_denied_hosts', 'cimd_private_hosts'] as const
  const found = lists.flatMap(setting =>
    config[setting].flatMap((entry, index) => {
      const fits = setting === 'cimd_private_hosts' ? isHostAndPort(entry) : isPattern(entry)
      const remedy =
        setting === 'cimd_private_hosts' ? 'host or host:port' : 'host, or *.host for all below'
      return fits
        ? []
        : [`${setting}.[${index}]: "${entry}" must be in lower case, without scheme: ${remedy}`]
    }),
  )
  const { cimd_ca_certificates } = config
  if (cimd_ca_certificates !== undefined && !areCertificates(cimd_ca_certificates))
    found.push('cimd_ca_certificates: must be one or more certificates in PEM')
  return found
}

function isPattern(entry: string): boolean {
  const host = entry.startsWith('*.') ? entry.slice(2) : entry
  return isHostAndPort(host) && !host.includes(':')
}

/** As a URL would write it, so that it can be compared to the byte; URLs take a star for a letter. */
function isHostAndPort(entry: string): boolean {
  return !entry.includes('*') && URL.parse(`https://${entry}/`)?.host === entry
}

function areCertificates(pem: string): boolean {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return certificates.length > 0 && certificates.every(isCertificate)
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).fingerprint256 !== ''
  } catch {
    return false
  }
}
