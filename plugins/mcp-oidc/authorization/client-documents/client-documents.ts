import { LRUCache } from 'lru-cache'
import type { ClientMetadata } from 'oidc-provider'
import { notFetched, refused } from './document-error.ts'
import { documentLifetime } from './document-lifetime.ts'
import { clientIdUrlProblem, documentUrlProblem } from './document-url.ts'
import type { FetchBudget } from './fetch-budget.ts'
import { isPrivate, isUnwanted } from './host-rules.ts'
import { type DocumentPolicy, judgeDocument } from './judge-document.ts'
import type { Fetched, PinnedFetch } from './pinned-fetch.ts'

export interface ClientDocumentParts {
  readonly policy: DocumentPolicy
  readonly fetch: PinnedFetch
  readonly budget: FetchBudget
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Clients that are known by the https URL of their metadata document. Both reject with DocumentError. */
export interface ClientDocuments {
  find(client_id: string): Promise<ClientMetadata>
  /** A client's public keys, as its `jwks_uri` has them now. */
  keys(jwks_uri: string): Promise<Fetched>
}

/** More clients than an organization has; each takes a few kilobytes at most. */
const most_documents = 1_000

/**
 * A document is remembered for as long as it says, within bounds; a failure never. Requests that
 * want the same one at the same moment share one fetch.
 */
export function createClientDocuments(parts: ClientDocumentParts): ClientDocuments {
  const { policy, fetch, budget, now } = parts
  const known = new LRUCache<string, { client: ClientMetadata; until: number }>({
    max: most_documents,
  })
  const under_way = new Map<string, Promise<ClientMetadata>>()

  function fetchFrom(url: URL): Promise<Fetched> {
    const may_be_private = isPrivate(url, policy.hosts)
    return budget(url.hostname, () => fetch(url, { may_be_private }))
  }
  async function obtain(client_id: string): Promise<ClientMetadata> {
    const url = new URL(client_id)
    const { body, cache_control } = await fetchFrom(url)
    const client = judgeDocument(client_id, body, policy)
    known.set(client_id, { client, until: now() + documentLifetime(cache_control) * 1000 })
    return client
  }
  return {
    async find(client_id) {
      const problem = clientIdUrlProblem(client_id, policy.hosts)
      if (problem !== undefined) throw refused(problem)
      if (isUnwanted(new URL(client_id).hostname, policy.hosts))
        throw refused('its host is not one that this gateway accepts applications from')
      const remembered = known.get(client_id)
      if (remembered && remembered.until > now()) return remembered.client
      const pending =
        under_way.get(client_id) ??
        obtain(client_id).finally(() => {
          under_way.delete(client_id)
        })
      under_way.set(client_id, pending)
      return pending
    },
    async keys(jwks_uri) {
      const problem = documentUrlProblem(jwks_uri, policy.hosts)
      if (problem !== undefined) throw notFetched(new Error(problem))
      return fetchFrom(new URL(jwks_uri))
    },
  }
}
