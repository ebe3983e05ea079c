import type { Request, Response } from 'express'
import type { Flow } from '../sign-in/flow.ts'

/** Gives oidc-provider the answer, and sends the browser on to where it tells the client. */
export async function finish(
  flow: Flow,
  req: Request,
  res: Response,
  result: object,
): Promise<void> {
  const return_to = await flow.provider.interactionResult(
    req,
    res,
    { ...result },
    { mergeWithLastSubmission: false },
  )
  res.setHeader('cache-control', 'no-store')
  res.redirect(303, return_to)
}
