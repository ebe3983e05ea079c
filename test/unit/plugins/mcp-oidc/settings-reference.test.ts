import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { formattedReference } from '../../../support/write-settings-reference.ts'

describe('docs/settings.md', () => {
  it('says what the schema says: run npm run docs:settings', async () => {
    const file = new URL('../../../../docs/settings.md', import.meta.url)
    expect(readFileSync(file, 'utf8')).toBe(await formattedReference())
  })
})
