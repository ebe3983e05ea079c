import { describe, expect, it } from '@jest/globals'
import { openAuthorizationServer } from '../support/authorization-server.ts'
import { inChromium, patience } from './in-chromium.ts'
import { arrive, consentShown, decide, enter, heading, signIn, words } from './person.ts'

const at = inChromium(() => openAuthorizationServer())

describe('in Chromium', () => {
  it(
    'A11 a wrong password is asked for again, and the flow goes on',
    async () => {
      const asked = await at.ask()
      await signIn(at.page, asked.url, 'alice@acme.example', 'guess')
      await enter(at.page, 'alice@acme.example')
      await decide(at.page, 'approve')
      await arrive(at.page)
      await at.redeem(asked)
    },
    patience,
  )

  it(
    'A11 a lost cookie ends with a page and no code',
    async () => {
      const asked = await at.ask()
      await signIn(at.page, asked.url)
      await at.context.clearCookies()
      await decide(at.page, 'approve')
      expect(await heading(at.page)).toContain('expired')
      await at.page.reload()
      expect(await heading(at.page)).toContain('expired')
      expect(at.answerTo(asked)).toBeUndefined()
    },
    patience,
  )

  it(
    'A11 a request that has expired says so, and how to start again',
    async () => {
      const asked = await at.ask()
      await signIn(at.page, asked.url)
      await at.server.db.deleteFrom('oidc_records').execute()
      await decide(at.page, 'approve')
      expect(await heading(at.page)).toContain('expired')
      expect(await words(at.page)).toContain('connect again')
    },
    patience,
  )

  it(
    'A11 reload and back do no harm, before the approval and after it',
    async () => {
      const asked = await at.ask()
      await signIn(at.page, asked.url)
      await consentShown(at.page)
      await at.page.reload()
      await at.page.goBack()
      await at.page.goForward()
      await decide(at.page, 'approve')
      await arrive(at.page)
      const answer = at.answerTo(asked)
      await at.page.waitForLoadState()
      await at.page.goBack()
      await at.page.reload()
      expect(await heading(at.page)).toContain('answered already')
      expect(at.answerTo(asked)).toEqual(answer)
      await at.redeem(asked)
    },
    patience,
  )

  it(
    'A11 a client that keeps coming back meets a page that says so',
    async () => {
      const asked = await at.ask(undefined, { prompt: 'none' })
      for (let time = 0; time < 2; time += 1) {
        await at.page.goto(asked.url.href)
        await arrive(at.page)
      }
      await at.page.goto(asked.url.href)
      expect(await heading(at.page)).toContain('keeps coming back')
    },
    patience,
  )

  it(
    'A12 two flows in two tabs do not disturb each other',
    async () => {
      const one = await at.ask(at.clients.web_callback)
      const other = await at.ask(at.clients.loopback_callback)
      const second = await at.context.newPage()
      await signIn(at.page, one.url)
      await signIn(second, other.url, 'bob@acme.example')
      await decide(at.page, 'approve')
      await arrive(at.page)
      await decide(second, 'approve')
      await arrive(second)
      expect((await at.redeem(one))['sub']).not.toBe((await at.redeem(other))['sub'])
    },
    patience,
  )
})
