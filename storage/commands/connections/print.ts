import { once } from 'node:events'
import { type ListedConnection, listConnections, type Listing } from '../../list-connections.ts'
import type { Store } from '../../store.ts'

const columns = [
  ['ID', 36],
  ['USER', 31],
  ['EMAIL', 28],
  ['ORG', 12],
  ['CLIENT', 28],
  ['CREATED', 16],
  ['LAST USED', 16],
  ['ENDS', 16],
  ['STATUS', 0],
] as const

/** Writes a line for each, at the pace at which they are read; with a pipe that ends, it ends. */
export async function printConnections(
  store: Store,
  listing: Listing,
  json: boolean,
): Promise<void> {
  let count = 0
  for await (const connection of listConnections(store, listing)) {
    if (!json && count === 0) await print(row(columns.map(([name]) => name)))
    count += 1
    await print(json ? JSON.stringify(connection) : row(cells(connection)))
  }
  if (!json) console.error(count === 0 ? 'There are none.' : `${count} connections.`)
}

function cells(connection: ListedConnection): readonly string[] {
  const { ended_reason, status } = connection
  return [
    connection.id,
    connection.user_id,
    connection.email ?? '(sealed with another key)',
    connection.org_id,
    connection.client_id,
    minute(connection.created_at),
    minute(connection.last_used_at),
    minute(connection.ended_at ?? connection.expires_at),
    ended_reason === undefined ? status : `${status}: ${ended_reason}`,
  ]
}

/** Nothing that a client chose to call itself moves the cursor or starts a line. */
function row(texts: readonly string[]): string {
  return texts
    .map((text, index) => text.replaceAll(/[^\x20-\x7E]/g, '?').padEnd(columns[index]?.[1] ?? 0))
    .join('  ')
    .trimEnd()
}

function minute(date: Date | undefined): string {
  return date ? date.toISOString().slice(0, 16).replace('T', ' ') : '-'
}

async function print(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain')
}
