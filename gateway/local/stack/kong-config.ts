import { readFile, writeFile } from 'node:fs/promises'
import { isScalar, parseDocument, visit } from 'yaml'

/** Where config/kong.yml finds the parts of the local stack. */
export const usual = {
  mcp_server: 'http://127.0.0.1:3000',
  console: 'http://127.0.0.1:3001',
  idp: 'http://localhost:8400',
} as const

export type Places = Readonly<Record<keyof typeof usual, string>>

/**
 * Gives the Kong configuration for these places: the file itself when they are the usual ones, else
 * a copy with them put in. Throws when the file does not name the usual ones: then a copy would
 * quietly point elsewhere.
 */
export async function kongConfigFor(places: Places, file: string, copy: string): Promise<string> {
  const wanted = new Map<string, string>()
  for (const part of ['mcp_server', 'console', 'idp'] as const)
    if (places[part] !== usual[part]) wanted.set(usual[part], places[part])
  if (wanted.size === 0) return file
  const document = parseDocument(await readFile(file, 'utf8'))
  const missing = new Set(wanted.keys())
  visit(document, {
    Scalar(_key, node) {
      const { value } = node
      const replacement =
        isScalar(node) && typeof value === 'string' ? wanted.get(value) : undefined
      if (replacement === undefined) return
      missing.delete(value as string)
      node.value = replacement
    },
  })
  if (missing.size > 0)
    throw new Error(`${file} does not name ${[...missing].join(' and ')}, so it cannot be moved`)
  await writeFile(copy, document.toString())
  return copy
}
