import { fileURLToPath } from 'node:url'
import { Eta } from 'eta'
import type { User } from './users.ts'

/** Templates and the style sheet. */
export const page_folder = fileURLToPath(new URL('pages/', import.meta.url))
const eta = new Eta({ views: page_folder, cache: true })

/** Goes with every page. */
export const page_headers = {
  'cache-control': 'no-store',
  // No form-action: browsers would hold it against the redirects that follow the form.
  'content-security-policy':
    "default-src 'none'; img-src data:; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
} as const

/** What the form holds, and why it is shown again. */
export interface SignInForm {
  readonly username: string
  readonly message?: string
}

/** A form that works without JavaScript, and the list of who can sign in. */
export function signInPage(users: readonly User[], form: SignInForm): string {
  return eta.render('./sign-in', { users, ...form })
}

/** One sentence for people. */
export function messagePage(message: string): string {
  return eta.render('./message', { message })
}

/** Asks whether to sign out. `form` is the provider's own, with its token, ending in `</form>`. */
export function logoutPage(form: string): string {
  const button = '<button type="submit" name="logout" value="yes">Sign out</button>'
  return eta.render('./logout', { form: form.replace('</form>', `${button}</form>`) })
}
