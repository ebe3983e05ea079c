import type { Request, Response } from 'express'
import { errors, type Provider } from 'oidc-provider'
import type { Client as ClientOnPage } from '../pages/pages.ts'

/** A client's authorization request that waits for its user, as oidc-provider keeps it. */
export interface Interaction {
  readonly uid: string
  readonly client_id: string
  readonly redirect_uri: string
  /** What was asked for, in order, without repetition. */
  readonly scopes: readonly string[]
  readonly login_hint: string | undefined
  /** Where the browser goes on once there is a result. */
  readonly return_to: string
  readonly answered: boolean
}

/** The interaction of this page in this browser; `undefined` when it expired or is not this browser's. */
export async function findInteraction(
  provider: Provider,
  req: Request,
  res: Response,
): Promise<Interaction | undefined> {
  try {
    const { uid, params, returnTo, result } = await provider.interactionDetails(req, res)
    if (uid !== req.params.uid) return undefined
    return {
      uid,
      client_id: text(params.client_id) ?? '',
      redirect_uri: text(params.redirect_uri) ?? '',
      scopes: [...new Set((text(params.scope) ?? '').split(' ').filter(scope => scope !== ''))],
      login_hint: text(params.login_hint),
      return_to: returnTo,
      answered: result !== undefined,
    }
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return undefined
    throw error
  }
}

/** How a page names the client. Registration is open, so nobody vouches for a name. */
export async function clientOnPage(
  provider: Provider,
  { client_id, redirect_uri }: Interaction,
): Promise<ClientOnPage> {
  const client = await provider.Client.find(client_id)
  const redirect = new URL(redirect_uri)
  const on_this_computer = (uri: string) => uri.startsWith('http:')
  return {
    name: client?.clientName ?? client_id,
    redirect_host:
      redirect.host === '' || !/^https?:$/.test(redirect.protocol)
        ? redirect.protocol.slice(0, -1)
        : redirect.host,
    verified: false,
    loopback_only: (client?.redirectUris ?? [redirect_uri]).every(on_this_computer),
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
