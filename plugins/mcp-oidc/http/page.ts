import type { Response } from 'express'
import { content_security_policy } from '../pages/content-security-policy.ts'

/** Sends a page. `form_action` lists where its forms may lead besides this origin. */
export function sendPage(
  res: Response,
  status: number,
  html: string,
  form_action: readonly string[] = [],
): void {
  res
    .status(status)
    .setHeader('content-security-policy', content_security_policy(form_action))
    .setHeader('cache-control', 'no-store')
    .type('html')
    .send(html)
}
