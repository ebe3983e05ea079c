import { describe, expect, it } from '@jest/globals'
import { errorExit, nginxErrorExit } from '../../../../../gateway/local/gateway/error-exit.ts'
import { HeaderLines } from '../../../../../gateway/local/gateway/header-lines.ts'

const asked = (...headers: readonly string[]) => ({
  headers: new HeaderLines([...headers]),
  request_id: 'abc',
})
const typeOf = (...headers: readonly string[]) =>
  errorExit(asked(...headers), 404, 'no Route matched').headers['Content-Type']

describe('an error of Kong’s own', () => {
  it.each([
    [[], 'application/json'],
    [['Accept', 'text/html'], 'text/html'],
    [['Accept', 'text/html,application/xhtml+xml,*/*;q=0.8'], 'text/html'],
    [['Accept', 'application/xml'], 'application/xml'],
    [['Accept', 'text/plain'], 'text/plain'],
    [['Accept', 'text/*'], 'text/plain'],
    [['Accept', 'text/html;q=0.1, application/json;q=0.2'], 'application/json'],
    [['Accept', 'application/json, text/event-stream'], 'application/json'],
    [['Accept', 'image/png'], 'application/json'],
    [['Accept', 'nonsense'], 'application/json'],
  ])('asked with %j is in %s', (headers, type) => {
    expect(typeOf(...headers)).toBe(`${type}; charset=utf-8`)
  })

  it('says what it is and which request it was, in each of them', () => {
    for (const accept of ['text/html', 'application/xml', 'text/plain', 'application/json']) {
      const { body, status } = errorExit(asked('Accept', accept), 503, 'name resolution failed')
      expect(status).toBe(503)
      expect(String(body)).toContain('name resolution failed')
      expect(String(body)).toContain('abc')
    }
  })

  it('is in the type of the request where nginx met it and nothing is said to be accepted', () => {
    const type = (...headers: readonly string[]) =>
      nginxErrorExit(asked(...headers), 413).headers['Content-Type']
    expect(type('Content-Type', 'text/plain')).toBe('text/plain; charset=utf-8')
    expect(type()).toBe('application/json; charset=utf-8')
  })
})
