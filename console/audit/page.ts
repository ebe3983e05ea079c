import { audit_outcomes, audit_types } from '../../storage/audit-event.ts'
import type { PageModel } from '../pages/render.ts'
import type { Viewer } from '../session/viewer.ts'
import { type EventWords, eventWords, outcome_words, type_words } from './event-words.ts'
import type { Whose } from './reader.ts'
import type { Found } from './read-trail.ts'
import {
  addressOf,
  type Asked,
  cursorOf,
  type Field,
  most_days,
  type Problems,
  type Search,
} from './search-form.ts'
import { usagePart } from './usage-part.ts'
import { visibleText } from './visible-text.ts'

type Shown =
  | { readonly asked: Asked; readonly problems: Problems }
  | { readonly search: Search; readonly whose: Whose; readonly found: Found }

const here = '/console/audit'
const labels: Readonly<Record<Field | 'form', string>> = {
  org: 'Whose events',
  user: 'Person',
  tool: 'Tool',
  client: 'AI app',
  connection: 'Connection',
  type: 'What happened',
  outcome: 'How it ended',
  from: 'From',
  until: 'Until',
  after: 'Further events',
  format: 'File',
  form: 'This address',
}

/** What the template `audit` shows: what was found, or what is wrong with what was asked. */
export function auditPage(viewer: Viewer, shown: Shown): PageModel {
  const form = formPart(viewer, shown)
  const common = { title: 'Audit trail', here: 'audit', form } as const
  if ('problems' in shown) return { ...common, found: undefined }
  const { search, whose, found } = shown
  const { asked } = search
  const at = (changes: Parameters<typeof addressOf>[2]) => addressOf(here, asked, changes)
  return {
    ...common,
    found: {
      usage: usagePart(search, found, at),
      events: found.events?.map(event => withLinks(eventWords(event), whose, asked)),
      first_page: search.after === undefined,
      newest: at({ after: undefined }),
      older: found.more ? at({ after: cursorOf(lastOf(found)) }) : undefined,
      exports: (['csv', 'jsonl'] as const).map(format => ({
        text: format === 'csv' ? 'CSV' : 'JSON Lines',
        href: addressOf(`${here}/export`, asked, { format, after: undefined }),
      })),
    },
  }
}

function formPart(viewer: Viewer, shown: Shown): object {
  const { asked, problems = {} } = 'search' in shown ? { asked: shown.search.asked } : { ...shown }
  const org = 'whose' in shown ? (shown.whose.org_id ?? '') : asked.org
  const options = (
    names: readonly string[],
    words: Readonly<Record<string, string>>,
    chosen?: string,
  ) => names.map(value => ({ value, text: words[value] ?? value, selected: value === chosen }))
  return {
    labels,
    problems,
    problem_list: Object.entries(problems).map(([name, problem]) => ({
      name,
      label: labels[name as Field | 'form'],
      problem,
    })),
    /** Fields that show what was given; the browser's own time fields take minutes. */
    values: { ...asked, from: minuteOf(asked.from), until: minuteOf(asked.until) },
    orgs:
      viewer.admin_org_ids.length === 0
        ? []
        : [
            ...viewer.admin_org_ids.map(id => ({
              value: id,
              text: `Everybody’s in ${visibleText(id)}`,
              selected: id === org,
            })),
            { value: '', text: 'Only yours', selected: org === '' },
          ],
    types: options(audit_types, type_words, asked.type),
    outcomes: options(audit_outcomes, outcome_words, asked.outcome),
    clear: addressOf(here, {}, { org: asked.org }),
    most_days,
    by_person: viewer.admin_org_ids.length > 0 && org !== '',
  }
}

function withLinks(event: EventWords, whose: Whose, asked: Asked): object {
  const kept: Asked = asked.org === undefined ? {} : { org: asked.org }
  const same = (more: Asked) =>
    addressOf(here, { ...kept, from: asked.from, until: asked.until, ...more } as Asked)
  return {
    ...event,
    // Of one organization every event is that organization's.
    org: whose.org_id === undefined ? event.org : undefined,
    details: event.details.map(({ more, ...detail }) => ({
      ...detail,
      href: more && same(more),
    })),
  }
}

function lastOf({ events = [] }: Found) {
  const last = events.at(-1)
  if (!last) throw new TypeError('a page without events has no older ones')
  return last
}

/** What a browser's field of time takes; empty for what it would not. */
function minuteOf(given: string | undefined): string {
  const [day, minute] = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d))?/.exec(given ?? '')?.slice(1) ?? []
  return day === undefined ? '' : `${day}T${minute ?? '00:00'}`
}
