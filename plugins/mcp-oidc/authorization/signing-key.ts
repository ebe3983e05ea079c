import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { ExternalSigningKey } from 'oidc-provider'
import type { SigningKey } from '../config/signing-keys.ts'

/**
 * A signing key as oidc-provider takes it, which signs in this thread. What oidc-provider would do by
 * itself is WebCrypto: it hands each token to another thread, and waking that one and being woken by
 * it costs several times the signature. Both write the same JWS and publish the same key.
 */
export class ProviderSigningKey extends ExternalSigningKey {
  readonly #kid: string
  readonly #private: { readonly key: KeyObject; readonly dsaEncoding: 'ieee-p1363' }
  readonly #public: KeyObject

  constructor({ kid, key }: Pick<SigningKey, 'kid' | 'key'>) {
    super()
    this.#kid = kid
    // RFC 7518 3.4: both numbers at full length, one after the other.
    this.#private = { key, dsaEncoding: 'ieee-p1363' }
    this.#public = createPublicKey(key)
  }

  override get kid(): string {
    return this.#kid
  }

  override get alg(): 'ES256' {
    return 'ES256'
  }

  /** The public half: it is published, and verifies our own id_tokens. */
  override keyObject(): KeyObject {
    return this.#public
  }

  override sign(data: Uint8Array): Buffer {
    return sign('sha256', data, this.#private)
  }
}
