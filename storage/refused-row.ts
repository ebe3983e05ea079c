/**
 * Whether the database refused a statement for what is in one of its rows: SQLSTATE classes 22 (data),
 * 23 (constraints) and 54 (too long). It is the row's fault, not the database's, and nothing of the
 * statement was done.
 */
export function isRefusedRow(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^(22|23|54)...$/.test(error.code)
  )
}
