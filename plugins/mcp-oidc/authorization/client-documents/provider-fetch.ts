import { documentLifetime } from './document-lifetime.ts'
import type { ClientDocuments } from './client-documents.ts'

/**
 * What oidc-provider fetches with. Of all it could fetch we let it have clients' public keys alone
 * (`jwks_uri`), and those as we fetch documents. How long it keeps them has the same bounds.
 */
export function providerFetch({ keys }: Pick<ClientDocuments, 'keys'>) {
  return async (input: string | URL | Request): Promise<Response> => {
    const { body, cache_control } = await keys(input instanceof Request ? input.url : String(input))
    const max_age = documentLifetime(cache_control)
    return new Response(new Uint8Array(body), {
      headers: { 'content-type': 'application/json', 'cache-control': `max-age=${max_age}` },
    })
  }
}
