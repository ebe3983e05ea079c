import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { parseEnvironment as consoleEnvironment } from '../../../console/environment.ts'
import { isReference, resolveReference } from '../../../gateway/local/gateway/vault-reference.ts'
import { parseEnvironment as mcpEnvironment } from '../../../mcp-server/environment.ts'
import { parseConfig } from '../../../plugins/mcp-oidc/config/settings.ts'
import type { ComposeFile, ComposeService } from './compose-file.ts'

type Environment = Readonly<Record<string, string>>

/** What a service is told: its env_file first, `environment` over it. */
export function environmentOf(
  { env_file, environment }: ComposeService,
  env: Environment,
): Environment {
  const own = Object.entries(environment).flatMap(([name, value]) =>
    value === null ? [] : [[name, String(value)]],
  )
  return { ...(env_file === undefined ? {} : env), ...(Object.fromEntries(own) as Environment) }
}

/** Has every part read its environment as it would at its start, and Kong's plugin its configuration. */
export function partProblems(
  { services }: ComposeFile,
  env: Environment,
  root: string,
): readonly string[] {
  const check = (name: string, parse: (environment: Environment) => unknown): string[] => {
    const service = services[name]
    if (!service) return [`there is no service ${name}`]
    try {
      parse(environmentOf(service, env))
      return []
    } catch (error) {
      const lines = (error instanceof Error ? error.message : String(error)).split('\n')
      return (lines.length > 1 ? lines.slice(1) : lines).map(line => `${name}: ${line.trim()}`)
    }
  }
  const kong = services['kong']
  return [
    ...check('mcp-server', mcpEnvironment),
    ...check('console', consoleEnvironment),
    ...(kong
      ? kongProblems(readFileSync(join(root, 'config/kong.yml'), 'utf8'), environmentOf(kong, env))
      : ['there is no service kong']),
  ]
}

/** Each vault reference of config/kong.yml, and what mcp-oidc says of its settings with their values. */
export function kongProblems(text: string, environment: Environment): readonly string[] {
  const file: unknown = parse(text, { merge: true, version: '1.1' })
  const problems = new Set<string>()
  const resolve = (value: unknown): unknown => {
    if (isReference(value)) {
      const found = resolveReference(value, environment)
      if ('problem' in found) problems.add(`config/kong.yml, ${value}: ${found.problem}`)
      return 'value' in found ? found.value : undefined
    }
    if (Array.isArray(value)) return value.map(resolve)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolve(one)]))
  }
  // Kong ignores the list of anchors; what is used of it stands where it is used, too.
  const resolved = resolve({ ...(file as object), _ignore: undefined })
  if (problems.size === 0)
    for (const config of pluginConfigs(resolved))
      try {
        parseConfig(config)
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error)
        for (const line of said.split('\n').slice(1))
          problems.add(`config/kong.yml: ${line.replace(/^[\s-]+/, '')}`)
      }
  return [...problems]
}

function pluginConfigs(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return []
  const own = value as { readonly name?: unknown; readonly config?: unknown }
  if (own.name === 'mcp-oidc') return [own.config]
  return Object.values(value).flatMap(pluginConfigs)
}
