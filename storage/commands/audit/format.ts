import { audit_columns, type ExportedEvent } from '../../export-audit-events.ts'

/** Lines of an export. The heading is undefined where the format has none. */
export interface Format {
  readonly heading: string | undefined
  line(event: ExportedEvent): string
}

/** A JSON object a line; what is not known is left out. */
export const jsonl: Format = {
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
  heading: audit_columns.join(','),
  line: event => audit_columns.map(name => cell(event[name])).join(','),
}

/**
 * A spreadsheet takes a text that begins with one of these for a formula, which a client could have
 * sent: an apostrophe before it makes it a text again (OWASP, CSV injection).
 */
function cell(value: string | number | null): string {
  if (value === null || typeof value === 'number') return String(value ?? '')
  const safe = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
