/** Lines of columns, the first row being the heading; numbers stand to the right. */
export function table(rows: readonly (readonly (string | number)[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map(row => String(row[column] ?? '').length)),
  )
  const cell = (value: string | number, column: number) => {
    const width = widths[column] ?? 0
    return typeof value === 'number' ? String(value).padStart(width) : value.padEnd(width)
  }
  return rows.map(row => `${row.map(cell).join('  ').trimEnd()}\n`).join('')
}

/** The value that a share of them (0.99 say) does not exceed; nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right)
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
  if (value === undefined) throw new Error('there is no percentile of nothing')
  return value
}
