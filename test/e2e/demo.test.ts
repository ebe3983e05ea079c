import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { runDemo } from '../../gateway/local/demo/demo.ts'
import { step_names } from '../../gateway/local/demo/steps.ts'
import { openGateway, type OpenGateway } from '../support/stack.ts'

let gateway: OpenGateway
beforeAll(async () => {
  gateway = await openGateway()
}, 60_000)
afterAll(() => gateway.close())

const run = (user: string, more: { org?: string; password?: string } = {}) =>
  runDemo({ url: gateway.url, user, password: 'password', ...more })

describe('the demo', () => {
  it.each([
    ['alice@acme.example', 'acme', ['admin']],
    ['bob@acme.example', 'acme', ['analyst']],
    ['carol@globex.example', 'globex', ['viewer']],
  ])('R01 A01 T01 M01 takes %s through every step', async (email, org_id, roles) => {
    const { ok, steps, whoami } = await run(email)
    expect(steps.filter(step => !step.ok)).toEqual([])
    expect(steps.map(step => step.name)).toEqual([...step_names])
    expect(whoami).toMatchObject({ email, org_id, roles })
    expect(ok).toBe(true)
  })

  it.each(['acme', 'globex'])('A06 connects erin for %s when she chooses it', async org => {
    expect(await run('erin@acme.example', { org })).toMatchObject({
      ok: true,
      whoami: { org_id: org },
    })
  })

  it('A06 ends where mallory is refused, with what the page says', async () => {
    const { ok, steps } = await run('mallory@nowhere.example')
    expect(ok).toBe(false)
    expect(steps.at(-1)).toMatchObject({ name: 'sign-in', ok: false, status: 403 })
    expect(steps.at(-1)?.detail).toContain('no access')
  })

  it('ends at a wrong password', async () => {
    const { ok, steps } = await run('alice@acme.example', { password: 'wrong' })
    expect(ok).toBe(false)
    expect(steps.at(-1)).toMatchObject({ name: 'sign-in', ok: false })
    expect(steps.at(-1)?.detail).toContain('do not belong together')
  })

  it('tells a gateway that is not there from one that works', async () => {
    const { ok, steps } = await runDemo({
      url: 'http://127.0.0.1:1',
      user: 'alice@acme.example',
      password: 'password',
    })
    expect(ok).toBe(false)
    expect(steps).toMatchObject([{ name: 'discovery', ok: false }])
  })
})
