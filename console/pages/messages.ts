import type { Response } from 'express'
import type { Render } from './render.ts'

export interface Message {
  readonly title: string
  readonly what_happened: string
  readonly what_to_do: string
  /** Where a link leads; `/console` unless told, null for none. */
  readonly link?: { readonly href: string; readonly text: string } | null
}

/** What is said in place of a page. */
export const messages = {
  unavailable: {
    title: 'This page cannot be shown now',
    what_happened: 'Something that the console depends on does not answer. Nothing was changed.',
    what_to_do: 'Try again in a minute.',
  },
  unconfirmed: {
    title: 'Your access cannot be confirmed now',
    what_happened:
      'The console asks your organization’s sign-in again and again whether you still have access, and gets no answer. Until it does, nothing is shown. Connections of your AI apps go on.',
    what_to_do: 'Try again in a minute.',
  },
  signed_out_meanwhile: {
    title: 'You are signed out',
    what_happened: 'Your sign-in has ended meanwhile, so nothing was changed.',
    what_to_do: 'Sign in again, and do it once more.',
    link: { href: '/console', text: 'Sign in' },
  },
  sign_in_failed: {
    title: 'You were not signed in',
    what_happened:
      'The sign-in was cancelled, took too long, or was begun in another browser. If you came here by the back button, you may be signed in already.',
    what_to_do: 'Open the console, and sign in again if you are asked to.',
    link: { href: '/console', text: 'Open the console' },
  },
  signed_out: {
    title: 'You are signed out',
    what_happened:
      'This browser is signed out of the console and of the gateway. Connections of your AI apps go on.',
    what_to_do: 'You can close this page.',
    link: { href: '/console', text: 'Sign in again' },
  },
  form_not_ours: {
    title: 'This form could not be accepted',
    what_happened:
      'It did not come from a page that the console showed you in this sign-in, or something was missing. Nothing was changed.',
    what_to_do: 'Open the page again and repeat what you did.',
  },
  not_found: {
    title: 'There is nothing here',
    what_happened: 'This address leads nowhere, or what was here is gone.',
    what_to_do: 'Go back to the start.',
  },
  failed: {
    title: 'Something went wrong',
    what_happened: 'The console could not do this. What happened is in its log.',
    what_to_do:
      'Try again. If it happens again, tell whoever runs this service what the small print says.',
  },
} as const satisfies Readonly<Record<string, Message>>

export function showMessage(
  render: Render,
  response: Response,
  status: number,
  message: Message,
): void {
  response.status(status)
  const { link = { href: '/console', text: 'Back to the console' } } = message
  render(response, 'message', { ...message, link })
}
