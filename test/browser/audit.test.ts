import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import axe from 'axe-core'
import { recordAuditEvents } from '../../storage/audit.ts'
import type { AuditEvent } from '../../storage/audit-event.ts'
import { openConsole } from '../support/console.ts'
import { inChromium, patience } from './in-chromium.ts'
import { heading, signIn } from './person.ts'

const at = inChromium(() => openConsole())
const a_day = 86_400_000
const tools = ['search_companies', 'get_company', 'whoami', '=1+1', 'a\u202Eb']

/** Two thousand calls of some days, as an organization makes them, and some of another one. */
const calls = (now: number) =>
  Array.from({ length: 2_000 }, (_, n): AuditEvent => ({
    type: 'tool_call',
    outcome: n % 40 === 3 ? 'error' : n % 17 === 5 ? 'refused' : 'ok',
    tool: tools[(n + (n >> 3)) % 5] ?? 'whoami',
    org_id: n % 20 === 0 ? 'globex' : 'acme',
    user_id: `usr_${n % 9}`,
    email: `user${n % 9}@acme.example`,
    client_id: 'https://client.example/oauth/metadata.json',
    connection_id: `con_${n % 9}`,
    at: new Date(now - (n % 13) * a_day - n * 1_000),
  }))

describe('the audit trail in Chromium', () => {
  it(
    'C02 an export holds what the page counts, and C03 every look keeps the rules of axe',
    async () => {
      await recordAuditEvents(at.server.db, calls(Date.now()))
      await at.context.addInitScript({ content: axe.source })
      await signIn(at.page, new URL('/console/audit', at.server.url))
      await at.page.waitForURL('**/console/audit')
      expect(await heading(at.page)).toBe('Audit trail')
      await at.page.locator('select[name=type]').selectOption('tool_call')
      await at.page.locator('input[name=tool]').fill('whoami')
      await at.page.getByRole('button', { name: 'Search' }).click()
      await at.page.waitForURL(/tool=whoami/)
      const told = await at.page.locator('#usage').innerText()
      const counted = Number(/([\d,]+) tool calls/.exec(told)?.[1]?.replaceAll(',', ''))
      expect(counted).toBeGreaterThan(100)
      for (const [name, lines] of [
        ['CSV', counted + 1],
        ['JSON Lines', counted],
      ] as const) {
        const [download] = await Promise.all([
          at.page.waitForEvent('download'),
          at.page.getByRole('link', { name, exact: true }).click(),
        ])
        expect(download.suggestedFilename()).toMatch(/^audit-acme-.*[.](csv|jsonl)$/)
        const text = await readFile(await download.path(), 'utf8')
        expect(text.trimEnd().split('\n')).toHaveLength(lines)
        expect(text).not.toContain('globex')
      }

      await at.page.goto(`${at.server.url}/console/audit`)
      await at.page.locator('details summary').first().click()
      await at.page.locator('.audit-events summary').first().click()
      for (const [look, width] of [
        ['light', 1_100],
        ['dark', 1_100],
        ['phone', 390],
      ] as const) {
        await at.page.setViewportSize({ width, height: 844 })
        await at.page.emulateMedia({
          colorScheme: look === 'dark' ? 'dark' : 'light',
          reducedMotion: 'reduce',
        })
        const broken = await at.page.evaluate<readonly string[]>(
          `axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
            violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
        )
        const wide = await at.page.evaluate<number>('document.documentElement.scrollWidth')
        expect({ look, broken, wide }).toEqual({ look, broken: [], wide: width })
        const path = join(import.meta.dirname, 'screenshots', `audit-${look}.png`)
        await at.page.screenshot({ path, fullPage: true })
      }
    },
    2 * patience,
  )
})
