import type { Page } from 'playwright-core'

export const heading = (page: Page) => page.locator('h1').innerText()
export const words = (page: Page) => page.locator('main').innerText()

/** From the client's request to the consent page, or to whatever the gateway says in its place. */
export async function signIn(
  page: Page,
  request: URL,
  username = 'alice@acme.example',
  password = 'password',
): Promise<void> {
  await page.goto(request.href)
  await page.locator('button[name=provider]').first().click()
  await enter(page, username, password)
}

/** Fills in the company's form. */
export async function enter(page: Page, username: string, password = 'password'): Promise<void> {
  await page.locator('input[name=username]').fill(username)
  await page.locator('input[name=password]').fill(password)
  await page.locator('form button[type=submit]').first().click()
}

/** Until the consent page has taken the place of the one before. */
export async function consentShown(page: Page): Promise<void> {
  await page.locator('button[name=decision]').first().waitFor()
  await page.waitForLoadState()
}

export async function decide(page: Page, decision: 'approve' | 'deny'): Promise<void> {
  await page.locator(`button[name=decision][value=${decision}]`).click()
}

/** Until the client has its answer and has passed the browser on. */
export async function arrive(page: Page): Promise<void> {
  await page.waitForURL(/\/done[/?]/)
}
