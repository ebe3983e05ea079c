import { describe, expect, it } from '@jest/globals'
import { part_names, readOptions, usage } from '../../../load/bench/options.ts'

describe('the command line of npm run bench', () => {
  it('measures everything without options', () => {
    expect(readOptions([])).toEqual({
      ...{ help: false, quick: false, write: false, url: undefined },
      parts: Object.keys(part_names),
    })
  })

  it('measures one part', () => {
    expect(readOptions(['--only', 'growth', '--quick']).parts).toEqual(['growth'])
  })

  it('takes a gateway for tool calls', () => {
    const { url } = readOptions(['--only', 'tool-calls', '--url', 'https://gateway.example'])
    expect(url).toBe('https://gateway.example')
  })

  it.each([
    [['--only', 'everything'], '--only must be one of floor, tool-calls'],
    [['--only', ''], '--only must be one of'],
    [['--url', 'gateway.example'], '--url gateway.example is no URL of a gateway'],
    [['--url', 'file:///tmp'], 'is no URL of a gateway'],
    [['--only', 'floor', '--url', 'http://localhost'], '--url is for tool-calls'],
    [['--fast'], "Unknown option '--fast'"],
    [['floor'], "Unexpected argument 'floor'"],
  ])('refuses %j', (args, problem) => {
    // Node's own errors are of another realm here.
    expect(() => readOptions(args)).toThrow(expect.objectContaining({ name: 'TypeError' }))
    expect(() => readOptions(args)).toThrow(problem)
  })

  it('explains every part', () => {
    for (const [name, about] of Object.entries(part_names))
      expect(usage).toMatch(new RegExp(`^  ${name} +${about}$`, 'm'))
  })
})
