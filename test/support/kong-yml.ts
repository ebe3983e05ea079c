import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Document, isMap, isSeq, parse, visit } from 'yaml'
import { usual } from '../../gateway/local/stack/kong-config.ts'

/** The operator's file. */
export const kong_yml = fileURLToPath(new URL('../../config/kong.yml', import.meta.url))

interface Route {
  readonly name: string
  readonly plugins: readonly { readonly name: string; readonly config: Settings }[]
}
type Settings = Readonly<Record<string, unknown>>

/** What the operator's file says to a plugin of a route. */
export function settingsOf(route: 'mcp' | 'oauth' | 'register', plugin: string): Settings {
  const { routes, services } = parse(readFileSync(kong_yml, 'utf8'), { merge: true }) as {
    readonly services: readonly { readonly routes: readonly Route[] }[]
    readonly routes: readonly Route[]
  }
  const all = [...services.flatMap(service => service.routes), ...routes]
  const found = all
    .find(({ name }) => name === route)
    ?.plugins.find(({ name }) => name === plugin)?.config
  if (!found) throw new Error(`config/kong.yml has no ${plugin} on route ${route}`)
  return found
}

/** Changes settings of a plugin, wherever the file has it on a route; null takes one out. */
export function change(document: Document, plugin: string, settings: Settings): void {
  let found = 0
  visit(document, {
    Map(_key, node) {
      if (node.get('name') !== plugin) return
      const config = node.get('config', true)
      if (!isMap(config)) throw new Error(`${plugin} has no settings of its own`)
      for (const [name, value] of Object.entries(settings)) config.set(name, value)
      found += 1
    },
  })
  if (found === 0) throw new Error(`config/kong.yml has no ${plugin}`)
}

/** Has the MCP requests go to another port of this computer. */
export function moveUpstream(document: Document, port: number): void {
  document.setIn(['services', 0, 'url'], `http://127.0.0.1:${port}`)
  const ignored = document.get('_ignore')
  if (!isSeq(ignored)) throw new Error('config/kong.yml has no _ignore')
  // The stack looks for it, to put the real address in its place.
  ignored.add(document.createNode(usual.mcp_server))
}
