import { describe, expect, it } from '@jest/globals'
import { createMemoryAdapter } from '../../../../../gateway/local/idp/memory-adapter.ts'

function memory(max_entries = 100) {
  let time = 5_000
  const open = createMemoryAdapter({ max_entries, now: () => time })
  return { open, wait: (seconds: number) => (time += seconds * 1000) }
}

describe('the memory of the development identity provider', () => {
  it('keeps the models apart and forgets in time', async () => {
    const { open, wait } = memory()
    await open('Session').upsert('id', { uid: 'u' }, 60)
    expect(await open('Session').find('id')).toEqual({ uid: 'u' })
    expect(await open('Session').findByUid('u')).toEqual({ uid: 'u' })
    expect(await open('Grant').find('id')).toBeUndefined()
    wait(60)
    expect(await open('Session').find('id')).toBeUndefined()
    expect(await open('Session').findByUid('u')).toBeUndefined()
  })

  it('is bounded: the oldest makes room', async () => {
    const store = memory(2).open('Grant')
    for (const id of ['a', 'b', 'a', 'c']) await store.upsert(id, { jti: id }, 60)
    const left = await Promise.all(['a', 'b', 'c'].map(id => store.find(id)))
    expect(left.map(payload => payload?.jti)).toEqual(['a', undefined, 'c'])
  })

  it('marks as consumed, and revokes by grant', async () => {
    const { open } = memory()
    const tokens = open('RefreshToken')
    await tokens.upsert('a', { grantId: 'g' }, 60)
    await tokens.upsert('b', { grantId: 'h' }, 60)
    await tokens.consume('a')
    expect(await tokens.find('a')).toMatchObject({ consumed: 5 })
    await tokens.revokeByGrantId('g')
    expect(await tokens.find('a')).toBeUndefined()
    expect(await tokens.find('b')).toEqual({ grantId: 'h' })
  })
})
