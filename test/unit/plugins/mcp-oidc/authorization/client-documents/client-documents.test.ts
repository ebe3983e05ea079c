import { beforeEach, describe, expect, it } from '@jest/globals'
import { createClientDocuments } from '../../../../../../plugins/mcp-oidc/authorization/client-documents/client-documents.ts'
import { notFetched } from '../../../../../../plugins/mcp-oidc/authorization/client-documents/document-error.ts'
import { createFetchBudget } from '../../../../../../plugins/mcp-oidc/authorization/client-documents/fetch-budget.ts'
import type { PinnedFetch } from '../../../../../../plugins/mcp-oidc/authorization/client-documents/pinned-fetch.ts'

const id = 'https://app.example/client.json'
let now = 0
let asked: [string, boolean][]
let answer: () => Promise<{ client_name?: string; cache_control?: string; client_id?: string }>
beforeEach(() => {
  asked = []
  answer = () => Promise.resolve({})
})

function open({
  allowed = [] as string[],
  denied = [] as string[],
  per_host = 100,
  at_once = 100,
} = {}) {
  const fetch: PinnedFetch = async (url, { may_be_private }) => {
    asked.push([url.href, may_be_private])
    const { cache_control, ...members } = await answer()
    const document = { client_id: url.href, redirect_uris: ['https://app.example/cb'], ...members }
    return { body: Buffer.from(JSON.stringify(document)), cache_control }
  }
  return createClientDocuments({
    policy: {
      redirects: { issuer: 'https://gw.example', private_use_schemes: [] },
      hosts: { allowed, denied, private: ['intranet'] },
    },
    fetch,
    budget: createFetchBudget({ now: () => now, per_host, at_once }),
    now: () => now,
  })
}

describe('R02 a document', () => {
  it('is remembered for as long as it says, and then fetched again', async () => {
    const documents = open()
    answer = () => Promise.resolve({ client_name: 'first', cache_control: 'max-age=600' })
    expect(await documents.find(id)).toMatchObject({ client_name: 'first' })
    answer = () => Promise.resolve({ client_name: 'second' })
    now += 599_999
    expect(await documents.find(id)).toMatchObject({ client_name: 'first' })
    now += 1
    expect(await documents.find(id)).toMatchObject({ client_name: 'second' })
    expect(asked).toHaveLength(2)
  })

  it('is fetched once for all who want it at the same moment', async () => {
    const documents = open()
    const found = await Promise.all(Array.from({ length: 50 }, () => documents.find(id)))
    expect(new Set(found).size).toBe(1)
    expect(asked).toEqual([[id, false]])
  })

  it('that failed is never remembered: not the failure, and not for those who come later', async () => {
    const documents = open()
    answer = () => Promise.reject(notFetched(new Error('away')))
    const failed = await Promise.allSettled([documents.find(id), documents.find(id)])
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(asked).toHaveLength(1)
    answer = () => Promise.resolve({ client_id: 'https://evil.example/c' })
    await expect(documents.find(id)).rejects.toThrow('it names another client_id')
    answer = () => Promise.resolve({})
    expect(await documents.find(id)).toMatchObject({ client_id: id })
    expect(asked).toHaveLength(3)
  })

  it('is not used beyond its time when it cannot be fetched again', async () => {
    const documents = open()
    await documents.find(id)
    now += 300_000
    answer = () => Promise.reject(notFetched(new Error('away')))
    await expect(documents.find(id)).rejects.toThrow('it could not be fetched')
  })

  it('is not asked for when its address or its host is refused', async () => {
    const documents = open({ allowed: ['app.example', 'b.example'], denied: ['b.example'] })
    for (const refused of ['https://127.0.0.1/c', 'https://app.example/', 'https://app.example/#'])
      await expect(documents.find(refused)).rejects.toThrow('its address')
    for (const unwanted of ['https://c.example/c', 'https://b.example/c'])
      await expect(documents.find(unwanted)).rejects.toThrow('its host is not one that')
    expect(asked).toEqual([])
    await documents.find(id)
    expect(asked).toHaveLength(1)
  })

  it('may come from our own network when the operator says so', async () => {
    await open().find('https://intranet/c')
    await open().find(id)
    expect(asked).toEqual([
      ['https://intranet/c', true],
      [id, false],
    ])
  })
})

describe('R02 a client’s keys', () => {
  it('are fetched under the same rules', async () => {
    const documents = open()
    await documents.keys('https://app.example/jwks')
    for (const refused of ['http://app.example/jwks', 'https://127.0.0.1/jwks', 'file:///x'])
      await expect(documents.keys(refused)).rejects.toThrow('it could not be fetched')
    expect(asked).toEqual([['https://app.example/jwks', false]])
  })
})

describe('R02 nobody can make us flood a host', () => {
  it('a host is asked so often in a minute, and others as before', async () => {
    const documents = open({ per_host: 3 })
    for (const n of [1, 2, 3]) await documents.find(`${id}?${n}`)
    await expect(documents.find(`${id}?4`)).rejects.toThrow('too many such documents')
    await documents.find('https://other.example/c')
    await documents.find(`${id}?1`)
    now += 60_000
    await documents.find(`${id}?4`)
    expect(asked).toHaveLength(5)
  })

  it('so many are asked at the same moment, and the next when one is done', async () => {
    const documents = open({ at_once: 2 })
    let done: (() => void)[] = []
    answer = () => new Promise(resolve => done.push(() => resolve({})))
    const pending = ['a', 'b'].map(host => documents.find(`https://${host}.example/c`))
    await expect(documents.find('https://c.example/c')).rejects.toThrow('too many such documents')
    for (const finish of done) finish()
    await Promise.all(pending)
    done = []
    const next = documents.find('https://c.example/c')
    for (const finish of done) finish()
    expect(await next).toMatchObject({ client_id: 'https://c.example/c' })
  })
})
