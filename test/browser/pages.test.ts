import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import axe from 'axe-core'
import express from 'express'
import type { Browser, Page } from 'playwright-core'
import { sendPage } from '../../plugins/mcp-oidc/http/page.ts'
import { assets } from '../../plugins/mcp-oidc/pages/assets.ts'
import { launchChromium } from './chromium.ts'
import { type Observed, observe } from './observe.ts'
import { sample_pages } from './sample-pages.ts'

const screenshots = join(import.meta.dirname, 'screenshots')
const desktop = { width: 1100, height: 900 }
const phone = { width: 390, height: 844 }

let server: Server
let browser: Browser
let page: Page
let observed: Observed
let url: string
beforeAll(async () => {
  const app = express()
  app.get('/assets/:name', (req, res) => {
    const asset = assets.get(req.params.name)
    res.type(asset?.content_type ?? 'txt').send(asset?.body)
  })
  app.get('/:name', (req, res) => sendPage(res, 200, sample_pages[req.params.name] ?? ''))
  server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await mkdir(screenshots, { recursive: true })
  browser = await launchChromium()
  const context = await browser.newContext({ reducedMotion: 'reduce' })
  // Beside the page's own scripts, of which its policy allows none.
  await context.addInitScript({ content: axe.source })
  observed = observe(context)
  page = await context.newPage()
}, 60_000)
afterAll(async () => {
  await browser.close()
  server.closeAllConnections()
  server.close()
})

/** The rules that a page breaks, each with the elements that do. */
async function violations(): Promise<readonly string[]> {
  const found = await page.evaluate<axe.AxeResults>('axe.run()')
  return found.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`,
  )
}

const picture = (name: string) =>
  page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true })

describe('in Chromium, the page', () => {
  it.each(Object.keys(sample_pages))(
    'A10 %s is accessible, in light and dark, and fits a phone',
    async name => {
      await page.setViewportSize(desktop)
      await page.emulateMedia({ colorScheme: 'light' })
      await page.goto(`${url}/${name}`)
      expect(await violations()).toEqual([])
      await picture(`${name}-light`)
      const light = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')

      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).not.toBe(light)
      expect(await violations()).toEqual([])
      await picture(`${name}-dark`)

      await page.setViewportSize(phone)
      await page.emulateMedia({ colorScheme: 'light' })
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(phone.width)
      await picture(`${name}-phone`)
      expect(observed.complaints).toEqual([])
    },
    60_000,
  )
})

describe('a computer without Chromium', () => {
  it('A10 is told what to install', async () => {
    await expect(launchChromium({}, '/nowhere/chromium')).rejects.toThrow(
      'Install the Debian package "chromium"',
    )
  })
})
