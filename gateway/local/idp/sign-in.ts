import { timingSafeEqual } from 'node:crypto'
import express, { type Request, type Response, type Router } from 'express'
import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import { messagePage, page_folder, page_headers, signInPage } from './pages.ts'
import type { User } from './users.ts'

/** The sign-in page: a form that works without JavaScript and lists who can sign in. */
export function signInRoutes(provider: Provider, users: readonly User[]): Router {
  const router = express.Router()
  router.get('/dev-idp.css', (_request, response) =>
    response.sendFile('dev-idp.css', { root: page_folder }),
  )

  router.get('/sign-in/:uid', async (request, response) => {
    const { params } = await provider.interactionDetails(request, response)
    const { login_hint } = params
    const username = typeof login_hint === 'string' ? login_hint : ''
    send(response, 200, signInPage(users, { username }))
  })

  router.post(
    '/sign-in/:uid',
    express.urlencoded({ extended: false }),
    async (request, response) => {
      const { username, password, remember } = fieldsOf(request)
      const user = users.find(user => user.email === username.trim().toLowerCase())
      if (!user || !equal(user.password, password)) {
        const message =
          'That username and password do not belong together. Every development user has the password “password”.'
        return send(response, 400, signInPage(users, { username, message }))
      }
      await forgetSomebodyElse(provider, request, response, user)
      await provider.interactionFinished(request, response, {
        login: { accountId: user.sub, remember: remember !== '' },
      })
    },
  )
  return router
}

/** Answers with one sentence for people. */
export function sendMessage(response: Response, status: number, message: string): void {
  send(response, status, messagePage(message))
}

/** What an exception on the way means to the person who signs in: a status and a sentence. */
export function explain(error: unknown): { readonly status: number; readonly message: string } {
  if (error instanceof errors.SessionNotFound)
    return {
      status: 400,
      message:
        'This sign-in has expired or was already used. Go back to your application and connect again.',
    }
  const status = (error as { status?: unknown }).status
  if (typeof status === 'number' && status >= 400 && status < 500)
    return { status, message: 'The form could not be read. Go back and try again.' }
  return { status: 500, message: 'The development sign-in failed; its log says why.' }
}

function send(response: Response, status: number, html: string): void {
  response.status(status).set(page_headers).type('html').send(html)
}

/**
 * When another user is still signed in, the provider would ask the browser to submit a logout form
 * by JavaScript. Ending that session here spares it.
 */
async function forgetSomebodyElse(
  provider: Provider,
  request: Request,
  response: Response,
  user: User,
): Promise<void> {
  const interaction = await provider.interactionDetails(request, response)
  const { session } = interaction
  if (!session?.accountId || session.accountId === user.sub) return
  await (await provider.Session.findByUid(session.uid))?.destroy()
  interaction.session = undefined
  await interaction.persist()
}

function fieldsOf(request: Request) {
  const body: unknown = request.body
  const field = (name: string) => {
    const value = body instanceof Object ? (body as Record<string, unknown>)[name] : undefined
    return typeof value === 'string' ? value : ''
  }
  return { username: field('username'), password: field('password'), remember: field('remember') }
}

function equal(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}
