import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runLua } from './lua.ts'

export const plugins_folder = 'gateway/kong/plugins'

/** What a plugin turned out to be once every plugin was loaded and written to. */
export type Facts = Readonly<Record<string, string>>

/** A setting of gateway/kong/kong.conf, empty when it is not there. */
export function readKongConf(name: string): string {
  const conf = readFileSync('gateway/kong/kong.conf', 'utf8')
  return new RegExp(`^${name} = (.+)$`, 'm').exec(conf)?.[1] ?? ''
}

/** Loads plugins from a folder in this order, with Kong's rate-limiting standing ready. */
export function loadPlugins(
  names: readonly string[],
  folder = plugins_folder,
): Readonly<Record<string, Facts>> {
  const output = runLua('test/contract/lua-aliases-stand-in.lua', [join(folder, '?.lua'), ...names])
  const facts: Record<string, Record<string, string>> = {}
  for (const line of output.split('\n').filter(Boolean)) {
    const [name = '', what = '', value = ''] = line.split('\t')
    facts[name] = { ...facts[name], [what]: value }
  }
  return facts
}
