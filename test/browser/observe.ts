import type { BrowserContext } from 'playwright-core'

/** What happens in the tabs of a browser beside what a person sees. */
export interface Observed {
  /** Errors on the console, violations of the content security policy among them. */
  readonly complaints: readonly string[]
  /** Everything the browser was told to go to by a redirect, whether it can or not. */
  readonly sent_to: readonly string[]
}

export function observe(context: BrowserContext): Observed {
  const complaints: string[] = []
  const sent_to: string[] = []
  context.on('weberror', error => void complaints.push(String(error.error())))
  context.on('console', message => {
    const text = message.text()
    // The console also repeats the status of a page that says why something is refused.
    const of_a_page = /^Failed to load resource: the server responded with a status of 4\d\d /
    if (of_a_page.test(text) && !message.location().url.includes('/assets/')) return
    if (message.type() === 'error' || /content security policy/i.test(text)) complaints.push(text)
  })
  context.on('response', response => {
    const location = response.headers()['location']
    if (location !== undefined) sent_to.push(location)
  })
  return { complaints, sent_to }
}
