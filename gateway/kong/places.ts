import { isScalar, parseDocument, visit } from 'yaml'

/** Where config/kong.yml finds the parts. */
export const usual = {
  mcp_server: 'http://127.0.0.1:3000',
  console: 'http://127.0.0.1:3001',
  idp: 'http://localhost:8400',
} as const

export type Places = Readonly<Record<keyof typeof usual, string>>

/** Where an environment says the parts are. Throws TypeError when it names something else than an origin. */
export function placesFrom(
  environment: Readonly<Record<string, string | undefined>>,
): Partial<Places> {
  const place = (name: string) => {
    const url = environment[name]
    if (url === undefined || url === '') return undefined
    if (URL.parse(url)?.origin !== url)
      throw new TypeError(`${name} is "${url}", and should be an origin such as http://host:3000`)
    return url
  }
  const mcp_server = place('MCP_SERVER_URL')
  const console = place('CONSOLE_URL')
  return { ...(mcp_server && { mcp_server }), ...(console && { console }) }
}

export interface Placed {
  readonly text: string
  /** Places that the text does not name the usual address of: it has an address of its own there. */
  readonly missing: readonly string[]
}

/** The Kong configuration for these places; the text itself when they are the usual ones. */
export function placeConfig(text: string, places: Partial<Places>): Placed {
  const wanted = new Map<string, string>()
  for (const part of ['mcp_server', 'console', 'idp'] as const) {
    const place = places[part]
    if (place !== undefined && place !== usual[part]) wanted.set(usual[part], place)
  }
  if (wanted.size === 0) return { text, missing: [] }
  const document = parseDocument(text)
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
  return { text: document.toString(), missing: [...missing] }
}
