import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

interface Entry {
  readonly payload: AdapterPayload
  /** Milliseconds. */
  readonly expires_at: number
}

export interface MemoryAdapterOptions {
  /** The oldest entries make room for new ones. */
  readonly max_entries: number
  /** Milliseconds. */
  readonly now: () => number
}

/** Keeps what the provider stores in one bounded map; a restart forgets it. */
export function createMemoryAdapter({ max_entries, now }: MemoryAdapterOptions): AdapterFactory {
  const entries = new Map<string, Entry>()

  function find(key: string): AdapterPayload | undefined {
    const entry = entries.get(key)
    if (entry && entry.expires_at > now()) return entry.payload
    entries.delete(key)
    return undefined
  }

  function search(model: string, field: 'uid' | 'userCode', value: string) {
    for (const key of entries.keys()) {
      if (!key.startsWith(`${model}:`)) continue
      const payload = find(key)
      if (payload?.[field] === value) return payload
    }
    return undefined
  }

  return (model): Adapter => ({
    upsert(id, payload, expires_in) {
      const key = `${model}:${id}`
      // Written again is young again.
      entries.delete(key)
      const lifetime = typeof expires_in === 'number' ? expires_in * 1000 : Infinity
      entries.set(key, { payload, expires_at: now() + lifetime })
      for (const oldest of entries.keys()) {
        if (entries.size <= max_entries) break
        entries.delete(oldest)
      }
      return Promise.resolve()
    },
    find: id => Promise.resolve(find(`${model}:${id}`)),
    findByUid: uid => Promise.resolve(search(model, 'uid', uid)),
    findByUserCode: code => Promise.resolve(search(model, 'userCode', code)),
    consume(id) {
      const payload = find(`${model}:${id}`)
      if (payload) payload.consumed = Math.floor(now() / 1000)
      return Promise.resolve()
    },
    destroy(id) {
      entries.delete(`${model}:${id}`)
      return Promise.resolve()
    },
    revokeByGrantId(grant_id) {
      for (const [key, { payload }] of entries)
        if (key.startsWith(`${model}:`) && payload.grantId === grant_id) entries.delete(key)
      return Promise.resolve()
    },
  })
}
