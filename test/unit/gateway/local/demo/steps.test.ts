import { describe, expect, it } from '@jest/globals'
import { stepLine } from '../../../../../gateway/local/demo/print-step.ts'
import { createSteps, type Step } from '../../../../../gateway/local/demo/steps.ts'

function recorded() {
  let time = 0
  const reported: Step[] = []
  const steps = createSteps(
    'http://localhost:8000',
    step => void reported.push(step),
    () => time,
  )
  return { steps, reported, wait: (ms: number) => (time += ms) }
}

describe('the steps of the demo', () => {
  it('are timed one after the other, each with its own last status', () => {
    const { steps, reported, wait } = recorded()
    wait(30)
    steps.saw(401)
    steps.saw(200)
    steps.pass('discovery', 'found')
    wait(12)
    steps.pass('registration', 'done')
    expect(reported).toEqual([
      { name: 'discovery', ok: true, status: 200, duration_ms: 30, detail: 'found' },
      { name: 'registration', ok: true, duration_ms: 12, detail: 'done' },
    ])
    expect(steps.next).toBe('authorize')
  })

  it('cannot be skipped', () => {
    expect(() => recorded().steps.pass('token', '')).toThrow('token came when discovery was next')
  })

  it('fail with what was got, its causes, and what to do', () => {
    const { steps, reported } = recorded()
    steps.fail(new Error('fetch failed', { cause: new Error('connect ECONNREFUSED') }))
    const [step] = reported
    expect(step).toMatchObject({ ok: false, detail: 'fetch failed (connect ECONNREFUSED)' })
    expect(step?.advice).toContain('http://localhost:8000/.well-known/oauth-protected-resource/mcp')
    expect(step && stepLine(step)).toMatch(/✗ discovery .*\n .*→ Is the gateway running/)
  })
})
