import { z } from 'zod'
import { audit_outcomes, audit_types } from '../../storage/audit-event.ts'
import type { AuditFilter } from '../../storage/audit-filter.ts'
import type { AuditCursor } from '../../storage/export-audit-events.ts'

export const a_day = 86_400_000
/** Days that may be searched at once: as long as an event is kept unless an operator says otherwise. */
export const most_days = 400
const usual_days = 30

/** The fields of the form, which are the parameters of the address. */
export const fields = [
  ...(['org', 'user', 'tool', 'client', 'connection', 'type', 'outcome'] as const),
  ...(['from', 'until', 'after', 'format'] as const),
] as const
export type Field = (typeof fields)[number]

/** What was asked for in the words of the address; fields that were left empty are missing. */
export type Asked = Readonly<Partial<Record<Field, string>>>

export interface Search {
  readonly asked: Asked
  /** Which organization, so far only claimed; an empty text means nobody but oneself. */
  readonly org: string | undefined
  readonly filter: Omit<AuditFilter, 'org_id' | 'seen_by'> & { readonly since: Date }
  /** Undefined on the first page. */
  readonly after: AuditCursor | undefined
  readonly format: 'csv' | 'jsonl'
}

/** What is wrong, by field, for whoever filled the form in. `form`: with the address as a whole. */
export type Problems = Readonly<Partial<Record<Field | 'form', string>>>

export type Parsed =
  { readonly search: Search } | { readonly problems: Problems; readonly asked: Asked }

const once = { error: 'Give it once.' }
const text = (most: number) =>
  z
    .string(once)
    .max(most, `Nothing in the trail is longer than ${most} characters.`)
    .regex(/^\P{Cc}*$/u, 'It holds a character that cannot be searched for.')
    .transform(given => given.trim())
    .optional()
const choice = <const T extends string>(known: readonly T[]) =>
  z
    .string(once)
    .transform((given, context) => {
      const found = known.find(each => each === given)
      if (found === undefined && given !== '') context.addIssue('Choose one of the list.')
      return found
    })
    .optional()

const a_minute = z.union([z.iso.datetime({ local: true }), z.iso.date()])
const time = z
  .string(once)
  .transform((given, context) => {
    if (given === '') return undefined
    const at = new Date(/T.*[^Z]$/.test(given) ? `${given}Z` : given)
    const year = at.getUTCFullYear()
    if (!a_minute.safeParse(given).success || Number.isNaN(at.getTime()))
      context.addIssue('Write a time (UTC) such as 2026-11-27T09:30, or a day such as 2026-11-27.')
    else if (year < 2000 || year > 2199) context.addIssue('Choose a year from 2000 to 2199.')
    return at
  })
  .optional()

const cursor = /^(?<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)~(?<id>\d{1,18})$/
const place = z
  .string(once)
  .transform((given, context): AuditCursor | undefined => {
    if (given === '') return undefined
    const { at = '', id = '' } = cursor.exec(given)?.groups ?? {}
    if (!z.iso.datetime().safeParse(at).success || at < '2000' || at >= '2200')
      context.addIssue('This link is not complete. Search again from the first page.')
    return { at, id }
  })
  .optional()

const Form = z.strictObject({
  org: text(256),
  user: text(320),
  tool: text(128),
  client: text(2_048),
  connection: text(256),
  type: choice(audit_types),
  outcome: choice(audit_outcomes),
  from: time,
  until: time,
  after: place,
  format: choice(['csv', 'jsonl']),
} satisfies Record<Field, z.ZodType>)

/**
 * Reads the parameters of an address. `now` is what a range without an end ends with. Says what is wrong
 * with each field in words for whoever filled it in, and repeats nothing else of the address.
 */
export function parseSearch(query: unknown, now: Date): Parsed {
  const asked = askedIn(query)
  const { data, error } = Form.safeParse(query)
  if (!data) return { asked, problems: problemsOf(error) }
  const until = data.until ?? now
  const since = data.from ?? new Date(until.getTime() - usual_days * a_day)
  const problem = rangeProblem(since, until, data.until !== undefined)
  if (problem !== undefined) return { asked, problems: { from: problem } }
  const { user, tool, client, connection, type, outcome } = data
  return {
    search: {
      asked,
      org: data.org,
      filter: {
        ...(!user ? {} : user.includes('@') ? { email: user } : { user_id: user }),
        ...(tool ? { tool } : {}),
        ...(client ? { client_id: client } : {}),
        ...(connection ? { connection_id: connection } : {}),
        ...(type ? { type } : {}),
        ...(outcome ? { outcome } : {}),
        since,
        ...(data.until ? { until } : {}),
      },
      after: data.after,
      format: data.format ?? 'csv',
    },
  }
}

/** An empty organization says something; any other empty field says nothing. */
function askedIn(query: unknown): Asked {
  const given = (query ?? {}) as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    fields.flatMap(name => {
      const value = Object.hasOwn(given, name) ? given[name] : undefined
      return typeof value === 'string' && (value !== '' || name === 'org') ? [[name, value]] : []
    }),
  )
}

function problemsOf(error: z.ZodError): Problems {
  const problems: Partial<Record<Field | 'form', string>> = {}
  for (const { path, message } of error.issues) {
    const name = fields.find(each => each === path[0])
    if (name !== undefined) problems[name] ??= message
    else problems.form = 'The address holds something that this page cannot search for.'
  }
  return problems
}

function rangeProblem(since: Date, until: Date, has_end: boolean): string | undefined {
  if (since >= until)
    return has_end ? 'It is not before the end of the time.' : 'It is still to come.'
  const days = Math.ceil((until.getTime() - since.getTime()) / a_day)
  if (days <= most_days) return undefined
  return `These are ${days} days; at most ${most_days} are searched or exported at once. Choose a later beginning or an earlier end.`
}

/** The address of a page of the same search, changed: undefined takes a field away. */
export function addressOf(
  path: string,
  asked: Asked,
  changes: Readonly<Partial<Record<Field, string | undefined>>> = {},
): string {
  const parameters = new URLSearchParams()
  for (const name of fields) {
    const value = name in changes ? changes[name] : asked[name]
    if (value !== undefined) parameters.set(name, value)
  }
  const query = parameters.toString()
  return query === '' ? path : `${path}?${query}`
}

export const cursorOf = ({ at, id }: AuditCursor): string => `${String(at)}~${String(id)}`
