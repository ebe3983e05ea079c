import { describe, expect, it } from '@jest/globals'
import { cursor, writeCursor } from '../../../../mcp-server/tools/cursor.ts'

describe('cursor', () => {
  it('reads what writeCursor wrote', () => {
    const position = { name: 'Ärger & Söhne', id: 'cmp_0001' }
    expect(cursor.parse(writeCursor(position))).toEqual(position)
  })

  it.each(['', 'x', '%%', 'WzFd', 'bnVsbA', Buffer.from('["a\\u0000","b"]').toString('base64url')])(
    'refuses %j',
    text => {
      expect(cursor.safeParse(text).success).toBe(false)
    },
  )
})
