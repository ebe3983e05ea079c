import type { ClientMetadata } from 'oidc-provider'
import { clientMetadata } from '../client-metadata.ts'
import { publicJwks } from '../clients/public-jwks.ts'
import type { RedirectPolicy } from '../redirect-uri.ts'
import { refused } from './document-error.ts'
import { documentUrlProblem } from './document-url.ts'
import { type HostRules, isUnwanted } from './host-rules.ts'

type Members = Readonly<Record<string, unknown>>

export interface DocumentPolicy {
  readonly redirects: RedirectPolicy
  readonly hosts: HostRules
}

/**
 * A client as its document describes it. It must name itself by the very URL it was fetched from, and
 * follows the rules of every other registration; a secret it could not keep. Throws DocumentError
 * with what is wrong.
 */
export function judgeDocument(
  client_id: string,
  body: Buffer,
  { redirects, hosts }: DocumentPolicy,
): ClientMetadata {
  const document = parseObject(body)
  if (document['client_id'] !== client_id)
    throw refused('it names another client_id than the address it was fetched from')
  if ('client_secret' in document || 'client_secret_expires_at' in document)
    throw refused('it holds a client secret, which everybody could read')
  const { token_endpoint_auth_method, ...described } = document
  const asked = clientMetadata(described, redirects)
  if ('error' in asked) throw refused(`its metadata is not valid: ${asked.error_description}`)
  for (const name of ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri', 'jwks_uri'])
    checkUrl(name, document[name], hosts)
  return {
    ...asked.metadata,
    client_id,
    ...credentials(token_endpoint_auth_method, document),
  }
}

/** A client that says nothing about it and has no keys is a public one. */
function credentials(asked: unknown, document: Members): Members {
  const methods = document['token_endpoint_auth_methods_supported']
  const listed = Array.isArray(methods) && methods.includes('private_key_jwt')
  const has_keys = present(document['jwks']) || present(document['jwks_uri'])
  const method = present(asked) ? asked : listed && has_keys ? 'private_key_jwt' : 'none'
  if (method === 'none') return { token_endpoint_auth_method: method }
  if (method !== 'private_key_jwt')
    throw refused('its token_endpoint_auth_method is neither none nor private_key_jwt')
  const { jwks, jwks_uri } = document
  if (present(jwks) === present(jwks_uri))
    throw refused('private_key_jwt needs either jwks or jwks_uri')
  return {
    token_endpoint_auth_method: method,
    ...(present(jwks) ? { jwks: keys(jwks) } : { jwks_uri }),
  }
}

function keys(jwks: unknown) {
  try {
    return publicJwks(jwks)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw refused(`its jwks ${error.message}`)
  }
}

/** What we would fetch or show follows the rules of the document's own address. */
function checkUrl(name: string, value: unknown, hosts: HostRules): void {
  if (!present(value)) return
  if (typeof value !== 'string') throw refused(`its ${name} is not a text`)
  const problem = documentUrlProblem(value, hosts)
  if (problem !== undefined) throw refused(`its ${name} is not accepted: ${problem}`)
  if (name === 'jwks_uri' && isUnwanted(new URL(value).hostname, hosts))
    throw refused('its jwks_uri is on a host that this gateway does not accept')
}

function parseObject(body: Buffer): Members {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw refused('it is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refused('it is not a JSON object')
  return value as Members
}

const present = (value: unknown) => value !== undefined && value !== null
