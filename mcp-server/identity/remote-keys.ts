import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose'

/**
 * The gateway's published keys. They are fetched on the first use, kept for ten minutes, and
 * fetched again for a key id that is not among them, at most every five seconds: a rotation is
 * noticed at once, and a flood of invented key ids costs the gateway next to nothing.
 */
export function remoteKeys(url: string): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(url), {
    cacheMaxAge: 600_000,
    cooldownDuration: 5_000,
    timeoutDuration: 3_000,
  })
}
