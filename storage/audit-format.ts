import { audit_columns, type ExportedEvent } from './export-audit-events.ts'

/** Lines of an export. The heading is undefined where the format has none. */
export interface Format {
  readonly content_type: string
  readonly heading: string | undefined
  line(event: ExportedEvent): string
}

/** A JSON object a line; what is not known is left out. */
export const jsonl: Format = {
  content_type: 'application/jsonl; charset=utf-8',
  heading: undefined,
  line: event =>
    JSON.stringify(
      Object.fromEntries(
        audit_columns.flatMap(name => (event[name] === null ? [] : [[name, event[name]]])),
      ),
    ),
}

/** RFC 4180, with a heading; what is not known is an empty cell. */
export const csv: Format = {
  content_type: 'text/csv; charset=utf-8; header=present',
  heading: audit_columns.join(','),
  line: event => audit_columns.map(name => cell(event[name])).join(','),
}

/** Pages of events as a text each, with their line ends; the heading is the first, also without events. */
export async function* formatted(
  format: Format,
  pages: AsyncIterable<readonly ExportedEvent[]>,
): AsyncGenerator<string> {
  if (format.heading !== undefined) yield `${format.heading}\n`
  for await (const events of pages) yield events.map(event => `${format.line(event)}\n`).join('')
}

/** What a spreadsheet may take for the beginning of a formula, in the full-width forms too. */
const formula = /(?=[\s"']*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|[\t\r\n])/.source
const at_the_beginning = new RegExp(`^${formula}`)
/** Where a cell may begin after all: in countries that write 0,5 a spreadsheet parts cells with `;`. */
const further_on = new RegExp(`(?<=[;\\r\\n])${formula}`, 'g')

/**
 * A spreadsheet takes some texts for formulas, which a client could have sent: an apostrophe before
 * one makes it a text again (OWASP, CSV injection).
 */
function cell(value: string | number | null): string {
  if (value === null || typeof value === 'number') return String(value ?? '')
  const safe = value.replace(further_on, "'").replace(at_the_beginning, "'")
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
