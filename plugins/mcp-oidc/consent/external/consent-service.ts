import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose'
import type { ExternalConsent } from '../../config/consent-rules.ts'
import type { Fetch } from '../../tracing/traced-fetch.ts'

/** The service's keys cannot be had, so nothing it says can be checked: not the person's fault. */
export class ConsentServiceUnreachable extends Error {
  constructor(cause: unknown) {
    super('the keys of the consent service cannot be had', { cause })
    this.name = 'ConsentServiceUnreachable'
  }
}

/** Who decides in place of our consent page. */
export interface ConsentService {
  readonly url: string
  /** Its name in the JWTs: the audience of requests, the issuer of decisions. */
  readonly audience: string
  /**
   * The key that a decision is checked with. Rejects with ConsentServiceUnreachable when the keys
   * cannot be had, and with jose's JOSEError when none of them is the one.
   */
  readonly key: JWTVerifyGetKey
  /** Resolves when its keys are at hand. Rejects with ConsentServiceUnreachable. */
  ready(): Promise<void>
}

const timeout_ms = 5000

/** Fetches no key before one is needed; keeps them ten minutes, and looks for an unknown one every 30 seconds. */
export function createConsentService(
  { url, audience, jwks_uri }: ExternalConsent,
  send: Fetch = fetch,
): ConsentService {
  const keys = createRemoteJWKSet(new URL(jwks_uri), {
    timeoutDuration: timeout_ms,
    [customFetch]: send,
  })
  return {
    url,
    audience,
    async key(header, token) {
      try {
        return await keys(header, token)
      } catch (error) {
        if (noneFits(error)) throw error
        throw new ConsentServiceUnreachable(error)
      }
    },
    async ready() {
      if (keys.fresh) return
      try {
        await keys.reload()
      } catch (error) {
        throw new ConsentServiceUnreachable(error)
      }
    },
  }
}

function noneFits(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  )
}
