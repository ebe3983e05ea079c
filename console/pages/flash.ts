import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Request, Response } from 'express'

/**
 * What a form did is told on the page that follows. The address carries it, signed for this session: nobody
 * can make the console say that something was done.
 */
export const done_words = {
  revoked:
    'The connection has ended. Its app is refused from its next call on: the gateway hears of it within a second.',
  revoked_all:
    'The connections have ended. Their apps are refused from their next call on: the gateway hears of it within a second.',
  nothing: 'There was nothing to end any more.',
  signed_out_too:
    'The connections have ended, and this person is signed out in every browser. Their apps are refused from their next call on: the gateway hears of it within a second.',
  forgotten: 'Forgotten. You are asked again when this app connects the next time.',
  approved: 'Approved. People of this organization can connect this app from now on.',
  refused:
    'Refused. Nobody in this organization can connect this app any more. Connections that it has go on.',
  blocked:
    'Blocked. Nobody in this organization can connect this app any more, and its connections have ended: the gateway hears of it within a second.',
} as const

export type Done = keyof typeof done_words

/** Sends the browser on to a page that says what was done. */
export function redirectDone(response: Response, path: string, done: Done): void {
  const separator = path.includes('?') ? '&' : '?'
  response.redirect(303, `${path}${separator}done=${done}.${mac(csrfOf(response), done)}`)
}

/** What was done just now, in words; undefined for a page that was simply opened. */
export function doneOf(request: Request, response: Response): string | undefined {
  const { done } = request.query
  const [name, given] = typeof done === 'string' ? done.split('.') : []
  if (name === undefined || given === undefined || !Object.hasOwn(done_words, name))
    return undefined
  const expected = Buffer.from(mac(csrfOf(response), name))
  const actual = Buffer.from(given)
  if (expected.length !== actual.length || !timingSafeEqual(expected, actual)) return undefined
  return done_words[name as Done]
}

function csrfOf(response: Response): string {
  const { csrf } = response.locals as { readonly csrf?: string }
  if (csrf === undefined) throw new TypeError('requireViewer is not in front of this handler')
  return csrf
}

function mac(csrf: string, done: string): string {
  return createHmac('sha256', csrf).update(`done ${done}`).digest('base64url').slice(0, 22)
}
