import { describe, expect, it } from '@jest/globals'
import { interpolate, interpolateAll } from '../../../deploy/compose/check/interpolate.ts'

const variables = { SET: 'value', EMPTY: '', JSON: '{"keys":[]}' }
const value = (text: string) => interpolate(text, variables)

describe('the variables of a compose file', () => {
  it.each([
    ['$SET and ${SET}', 'value and value'],
    ['${NONE:-default}', 'default'],
    ['${NONE-default}', 'default'],
    ['${EMPTY:-default}', 'default'],
    ['${EMPTY-default}', ''],
    ['${SET:+other}|${EMPTY:+other}|${EMPTY+other}|${NONE+other}', 'other||other|'],
    ['${NONE:-${SET}}:8000', 'value:8000'],
    ['${NONE:-a${NONE:-b}c}', 'abc'],
    ['$$SET $${SET}', '$SET ${SET}'],
    ['${JSON}', '{"keys":[]}'],
    ['${SET:?never}', 'value'],
    ['no variable', 'no variable'],
  ])('%s is %s', (text, expected) => {
    expect(value(text)).toEqual({ value: expected, problems: [] })
  })

  it.each([
    ['${NONE:?run this}', 'NONE is not set: run this'],
    ['${EMPTY:?run this}', 'EMPTY is not set: run this'],
    ['${NONE}', 'NONE is not set, and has no default'],
    ['$NONE', 'NONE is not set, and has no default'],
    ['${SET', 'without its }'],
    ['costs $5', 'write $$ for a dollar'],
    ['${9}', 'is no variable'],
  ])('%s is a problem', (text, problem) => {
    expect(value(text).problems.join()).toContain(problem)
  })

  it('are put into values at any depth, and problems are told with their place', () => {
    const { value: all, problems } = interpolateAll(
      { a: { $SET: ['${SET}', 1, null, '${NONE}'] } },
      variables,
    )
    expect(all).toEqual({ a: { $SET: ['value', 1, null, ''] } })
    expect(problems).toEqual(['a.$SET.3: NONE is not set, and has no default'])
  })

  it('are not looked for in what was put in', () => {
    expect(interpolate('${A}', { A: '$B ${C}' })).toEqual({ value: '$B ${C}', problems: [] })
  })
})
