import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { Response } from 'express'
import { Eta } from 'eta'
import type { Viewer } from '../session/viewer.ts'
import { day, day_and_minute, duration, iso } from './words.ts'

/**
 * Answers with a page: `view` is the name of a template (`templates/<view>.eta`), `model` what it shows, as
 * `it`. Every template finds the viewer, the CSRF token and some words beside it. Sets every header that a
 * page needs; a status set before stays.
 */
export type Render = (response: Response, view: string, model: PageModel) => void

export interface PageModel {
  /** Of the window, and the page's first heading. */
  readonly title: string
  /** Which entry of the navigation this is. */
  readonly here?: Section
  readonly [name: string]: unknown
}

export type Section = 'connections' | 'members' | 'clients' | 'limits' | 'audit'

/** Nothing but our stylesheet and images: no script, no style of a page's own, no frame around it. */
export const content_security_policy = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

const folders = ['templates/', '../audit/templates/'].map(path => new URL(path, import.meta.url))

export function createRender(): Render {
  const eta = new Eta({ autoEscape: true })
  for (const folder of folders.filter(folder => existsSync(folder)))
    for (const file of readdirSync(folder).filter(name => name.endsWith('.eta')))
      eta.loadTemplate(
        `@${file.slice(0, -'.eta'.length)}`,
        readFileSync(new URL(file, folder), 'utf8'),
      )
  return (response, view, model) => {
    const { viewer, csrf, request_id } = response.locals as {
      readonly viewer?: Viewer
      readonly csrf?: string
      readonly request_id?: string
    }
    const html = eta.render(`@${view}`, {
      ...model,
      ...{ viewer, csrf, request_id },
      words: { day, day_and_minute, duration, iso },
    })
    response.type('html').send(html)
  }
}
