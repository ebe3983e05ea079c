import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose'

export interface RemoteKeys extends JWTVerifyGetKey {
  /** Resolves when the keys have been read before, or can be read now; else rejects. */
  reached(): Promise<void>
}

/**
 * The gateway's published keys. They are fetched on the first use, kept for ten minutes, and
 * fetched again for a key id that is not among them, at most every five seconds: a rotation is
 * noticed at once, and a flood of invented key ids costs the gateway next to nothing.
 */
export function remoteKeys(url: string): RemoteKeys {
  const keys = createRemoteJWKSet(new URL(url), {
    cacheMaxAge: 600_000,
    cooldownDuration: 5_000,
    timeoutDuration: 3_000,
  })
  const reached = async () => {
    if (keys.jwks() === undefined) await keys.reload()
  }
  const find: JWTVerifyGetKey = (header, token) => keys(header, token)
  return Object.assign(find, { reached })
}
