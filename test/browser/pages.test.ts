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

/** Each in a tab of its own, side by side. */
const looks = ['light', 'dark', 'phone'] as const
type Look = (typeof looks)[number]

let server: Server
let browser: Browser
let tabs: Readonly<Record<Look, Page>>
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
  const open = async (look: Look) => {
    const page = await context.newPage()
    await page.setViewportSize(look === 'phone' ? phone : desktop)
    await page.emulateMedia({ colorScheme: look === 'dark' ? 'dark' : 'light' })
    return page
  }
  const [light, dark, small] = await Promise.all(looks.map(open))
  if (!light || !dark || !small) throw new Error('a look has no tab')
  tabs = { light, dark, phone: small }
}, 60_000)
afterAll(async () => {
  await browser.close()
  server.closeAllConnections()
  server.close()
})

/** The rules that a page breaks, each with the elements that do. What it keeps stays in the browser. */
const violations = (page: Page) =>
  page.evaluate<
    readonly string[]
  >(`axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`)

/** What a person would see of it, and what a program finds wrong with it. */
async function lookAt(name: string, look: Look) {
  const page = tabs[look]
  await page.goto(`${url}/${name}`)
  const seen = {
    violations: await violations(page),
    background: await page.evaluate<string>('getComputedStyle(document.body).backgroundColor'),
    width: await page.evaluate<number>('document.documentElement.scrollWidth'),
  }
  await page.screenshot({ path: join(screenshots, `${name}-${look}.png`), fullPage: true })
  return seen
}

describe('in Chromium, the page', () => {
  it.each(Object.keys(sample_pages))(
    'A10 %s is accessible, in light, in dark and on a phone, and fits there',
    async name => {
      const [light, dark, small] = await Promise.all(looks.map(look => lookAt(name, look)))
      const found = [light, dark, small].map(seen => seen?.violations)
      expect(found).toEqual([[], [], []])
      expect(dark?.background).not.toBe(light?.background)
      expect(small?.width).toBe(phone.width)
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
