import { describe, expect, it } from '@jest/globals'
import { documentLifetime } from '../../../../../../plugins/mcp-oidc/authorization/client-documents/document-lifetime.ts'

describe('R02 a document is remembered', () => {
  it.each<[string | undefined, number]>([
    [undefined, 300],
    ['', 300],
    ['max-age=3600', 3600],
    ['public, MAX-AGE=3600', 3600],
    ['max-age="3600"', 3600],
    ['max-age=3600, max-age=600', 600],
    ['max-age=0', 300],
    ['max-age=-1', 300],
    ['max-age=1e9', 300],
    ['max-age=99999999999999999999', 86_400],
    ['s-maxage=3600', 300],
    ['x-max-age=3600', 300],
    ['max-age=3600, no-cache', 300],
    ['no-store, max-age=3600', 300],
    ['no-cache="x", max-age=3600', 300],
    ['private', 300],
  ])('with Cache-Control %p for %d seconds', (header, seconds) => {
    expect(documentLifetime(header)).toBe(seconds)
  })
})
