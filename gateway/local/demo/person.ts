import type { Browser, Page } from './browser.ts'
import type { Form } from './forms.ts'

/** A page is not the one a person would need to go on. `message` holds what it says. */
export class WrongPageError extends Error {
  readonly page: Page

  constructor(wanted: string, page: Page) {
    const where = `${page.url.origin}${page.url.pathname}`
    super(`expected ${wanted}, got ${page.status} at ${where}: ${page.says || '(nothing to read)'}`)
    this.name = 'WrongPageError'
    this.page = page
  }
}

/** The form where one chooses an identity provider (`name=provider`). */
export const providerForm = (page: Page) => formWithButton(page, 'provider')
/** The consent form (`name=decision`). */
export const consentForm = (page: Page) => formWithButton(page, 'decision')
/** An identity provider's form with `username` and `password`. */
export const signInForm = (page: Page) =>
  page.forms.find(({ fields }) =>
    ['username', 'password'].every(name => fields.some(field => field.name === name)),
  )

/** Goes on with an identity provider: the one named, else `dev`, else the first that is offered. */
export function chooseProvider(browser: Browser, page: Page, provider?: string): Promise<Page> {
  const form = providerForm(page)
  if (!form) throw new WrongPageError('the choice of an identity provider', page)
  const offered = form.buttons.filter(button => button.name === 'provider')
  const wanted =
    provider ?? offered.find(({ value }) => value === 'dev')?.value ?? offered[0]?.value
  return browser.submit(page, form, {
    press: { name: 'provider', ...(wanted === undefined ? {} : { value: wanted }) },
  })
}

/** Signs in at the identity provider. */
export function signIn(
  browser: Browser,
  page: Page,
  { user, password }: { readonly user: string; readonly password: string },
): Promise<Page> {
  const form = signInForm(page)
  if (!form) throw new WrongPageError('the sign-in form', page)
  return browser.submit(page, form, { fields: { username: user, password } })
}

/** The first org that the consent page offers; undefined where there is no choice. */
export function firstOrg(page: Page): string | undefined {
  const choice = consentForm(page)?.fields.find(
    ({ name, type }) => name === 'org' && type === 'select',
  )
  return choice?.options.find(option => option !== '')
}

/** Answers the consent page; `org` matters where there is a choice. */
export function decide(
  browser: Browser,
  page: Page,
  decision: 'approve' | 'deny',
  org?: string,
): Promise<Page> {
  const form = consentForm(page)
  if (!form) throw new WrongPageError('the consent page', page)
  return browser.submit(page, form, {
    press: { name: 'decision', value: decision },
    ...(org === undefined ? {} : { fields: { org } }),
  })
}

function formWithButton(page: Page, name: string): Form | undefined {
  return page.forms.find(form => form.buttons.some(button => button.name === name))
}
