import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface Asset {
  readonly content_type: string
  readonly body: Buffer
}

const sources = {
  'site.css': 'text/css; charset=utf-8',
  'mark.svg': 'image/svg+xml',
} as const

const named = Object.entries(sources).map(([file, content_type]) => {
  const body = readFileSync(new URL(`assets/${file}`, import.meta.url))
  return { file, path: digestName(file, body), asset: { content_type, body } }
})

/**
 * The files under `/assets/`, by name, read once when this module is loaded. The name holds a
 * digest of the content, so a response may be cached for ever.
 */
export const assets: ReadonlyMap<string, Asset> = new Map(
  named.map(({ path, asset }) => [path, asset]),
)

/** The same files by their plain names, for the console, which does not know our digests. */
export const plain_assets: ReadonlyMap<string, Asset> = new Map(
  named.map(({ file, asset }) => [file, asset]),
)

/** Where a page finds each file: `/assets/site.<digest>.css`. */
export const asset_paths = Object.fromEntries(
  named.map(({ file, path }) => [file, `/assets/${path}`]),
) as Readonly<Record<keyof typeof sources, string>>

function digestName(file: string, body: Buffer): string {
  const digest = createHash('sha256').update(body).digest('hex').slice(0, 16)
  return file.replace(/(\.[a-z]+)$/, `.${digest}$1`)
}
