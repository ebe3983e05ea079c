import { createHash, timingSafeEqual } from 'node:crypto'
import express, { type RequestHandler } from 'express'
import { messages, showMessage } from '../pages/messages.ts'
import type { Render } from '../pages/render.ts'

const most_form_bytes = '16kb'

/**
 * Reads a form, and refuses every POST whose `csrf` is not that of this session. To be put behind
 * `requireViewer`.
 */
export function requireOwnForm(render: Render): readonly RequestHandler[] {
  return [
    express.urlencoded({ extended: false, limit: most_form_bytes }),
    (request, response, next) => {
      if (request.method === 'GET' || request.method === 'HEAD') return next()
      const { csrf } = (request.body ?? {}) as { csrf?: unknown }
      const { csrf: own } = response.locals as { csrf?: string }
      if (typeof csrf === 'string' && own !== undefined && same(csrf, own)) return next()
      showMessage(render, response, 403, messages.form_not_ours)
    },
  ]
}

function same(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
