import type { Request, Response } from 'express'
import type { Flow } from '../sign-in/flow.ts'

/** Gives oidc-provider the answer. Where the browser goes on, and the client is told. */
export function resultOf(
  { provider }: Flow,
  req: Request,
  res: Response,
  result: object,
): Promise<string> {
  return provider.interactionResult(req, res, { ...result }, { mergeWithLastSubmission: false })
}

export function sendOn(res: Response, return_to: string): void {
  res.setHeader('cache-control', 'no-store')
  res.redirect(303, return_to)
}
