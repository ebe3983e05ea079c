import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import {
  type ApprovalKey,
  findApprovals,
  forgetApprovals,
  rememberApproval,
  useApproval,
} from '../../../storage/approvals.ts'
import { keepHouse } from '../../../storage/housekeeping.ts'
import { createTestStore, type TestStore } from '../../support/store.ts'

let test: TestStore
beforeAll(async () => {
  test = await createTestStore()
})
afterAll(() => test.close())
beforeEach(() => test.db.deleteFrom('approvals').execute())

const key: ApprovalKey = {
  user_id: 'usr_alice',
  org_id: 'acme',
  client_id: 'claude',
  redirect: 'https://claude.ai',
  resource: 'https://gw.example/mcp',
}
const remembered = (scopes: readonly string[], changes: Partial<ApprovalKey> = {}) =>
  rememberApproval(test.db, { ...key, ...changes }, { scopes, skips_consent: true })

describe('A08 approvals', () => {
  it('cover what was approved and less, not more', async () => {
    await remembered(['a', 'b'])
    expect(await useApproval(test.db, key, ['b'])).toBe(true)
    expect(await useApproval(test.db, key, ['a', 'b'])).toBe(true)
    expect(await useApproval(test.db, key, ['a', 'c'])).toBe(false)
  })

  it.each(Object.keys(key) as (keyof ApprovalKey)[])('are for one %s', async member => {
    await remembered(['a'])
    const other = member === 'user_id' ? 'usr_bob' : 'other'
    expect(await useApproval(test.db, { ...key, [member]: other }, ['a'])).toBe(false)
  })

  it('add up, and the last answer says whether to ask again', async () => {
    await remembered(['a'])
    await remembered(['b'])
    expect(await findApprovals(test.db, key)).toEqual([
      { redirect: key.redirect, scopes: ['a', 'b'], skips_consent: true },
    ])
    expect(await useApproval(test.db, key, ['a', 'b'])).toBe(true)
    await rememberApproval(test.db, key, { scopes: ['a'], skips_consent: false })
    expect(await useApproval(test.db, key, ['a'])).toBe(false)
  })

  it('an old one counts no more, is not added to, and is removed', async () => {
    await remembered(['a'])
    const last_used_at = new Date(Date.now() - 181 * 86_400_000)
    const age = () => test.db.updateTable('approvals').set({ last_used_at }).execute()
    await age()
    expect(await useApproval(test.db, key, ['a'])).toBe(false)
    expect(await findApprovals(test.db, key)).toEqual([])
    await remembered(['b'])
    expect(await useApproval(test.db, key, ['a'])).toBe(false)
    await age()
    await remembered(['a'], { client_id: 'fresh' })
    const options = { batch: 10, retention: 60, signal: new AbortController().signal }
    expect(await keepHouse(test.db, options)).toMatchObject({ approvals: 1 })
    expect(await useApproval(test.db, { ...key, client_id: 'fresh' }, ['a'])).toBe(true)
  })

  it('are forgotten by name, never all of them', async () => {
    await remembered(['a'])
    await remembered(['a'], { user_id: 'usr_bob' })
    await remembered(['a'], { org_id: 'globex' })
    const forgotten = await forgetApprovals(test.db, { client_id: 'claude', org_id: 'acme' })
    expect(forgotten.map(({ user_id }) => user_id).sort()).toEqual(['usr_alice', 'usr_bob'])
    expect(await useApproval(test.db, { ...key, org_id: 'globex' }, ['a'])).toBe(true)
    await expect(forgetApprovals(test.db, {})).rejects.toThrow(TypeError)
  })
})
