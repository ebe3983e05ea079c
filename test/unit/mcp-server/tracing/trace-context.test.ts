import { describe, expect, it } from '@jest/globals'
import { parseTraceparent } from '../../../../mcp-server/tracing/trace-context.ts'

const trace_id = '0af7651916cd43dd8448eb211c80319c'
const span_id = 'b7ad6b7169203331'

describe('parseTraceparent', () => {
  it.each([
    [`00-${trace_id}-${span_id}-01`, 1],
    [`00-${trace_id}-${span_id}-00`, 0],
    [`01-${trace_id}-${span_id}-01-what-comes-later`, 1],
  ])('O03 reads %s', (header, flags) => {
    expect(parseTraceparent(header)).toEqual({ trace_id, span_id, flags })
  })

  it.each([
    undefined,
    '',
    'nonsense',
    `ff-${trace_id}-${span_id}-01`,
    `00-${trace_id}-${span_id}-01-more`,
    `00-${'0'.repeat(32)}-${span_id}-01`,
    `00-${trace_id}-${'0'.repeat(16)}-01`,
    `00-${trace_id.toUpperCase()}-${span_id}-01`,
    ` 00-${trace_id}-${span_id}-01`,
    `00-${trace_id}-${span_id}`,
  ])('O03 takes %j for none', header => {
    expect(parseTraceparent(header)).toBeUndefined()
  })
})
