import { lookup } from 'node:dns/promises'
import type { Settings } from '../../config/settings.ts'
import { type ClientDocuments, createClientDocuments } from './client-documents.ts'
import { createFetchBudget } from './fetch-budget.ts'
import { createPinnedFetch } from './pinned-fetch.ts'

/** Milliseconds that a document may take, from the look-up of its host on (requirement R02). */
const timeout = 5_000

/** Client metadata documents from the internet, as the settings allow. `now` in milliseconds. */
export function openClientDocuments(settings: Settings, now: () => number): ClientDocuments {
  return createClientDocuments({
    policy: {
      redirects: settings,
      hosts: {
        allowed: settings.cimd_allowed_hosts,
        denied: settings.cimd_denied_hosts,
        private: settings.cimd_private_hosts,
      },
    },
    fetch: createPinnedFetch({
      resolve: hostname => lookup(hostname, { all: true }),
      ca: settings.cimd_ca_certificates,
      timeout,
    }),
    budget: createFetchBudget({ now, per_host: 20, at_once: 64 }),
    now,
  })
}
