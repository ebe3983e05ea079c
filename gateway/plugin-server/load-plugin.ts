import { glob } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import type { PluginModule } from './plugin.ts'

/**
 * Loads the one plugin under a directory: the only `<directory>/<name>/index.ts`.
 * @throws when there is none or more than one (Kong ≥ 3.9 takes the first plugin of a plugin server
 * and drops the others without a word), or when it does not export what a plugin must.
 */
export async function loadPlugin(directory: string): Promise<PluginModule> {
  const files: string[] = []
  for await (const name of glob('*/index.ts', { cwd: directory })) files.push(join(directory, name))
  const [file] = files
  if (file === undefined) throw new Error(`no plugin: nothing matches ${directory}/*/index.ts`)
  if (files.length > 1) {
    throw new Error(`Kong takes one plugin of a plugin server, here are: ${files.join(', ')}`)
  }
  return parseModule((await import(pathToFileURL(file).href)) as Partial<PluginModule>, file)
}

function parseModule(exported: Partial<PluginModule>, file: string): PluginModule {
  const { Name, Version, Priority, Schema, Plugin, Metrics } = exported
  const problems = [
    typeof Name === 'string' && Name !== '' ? '' : 'Name is not a string',
    typeof Version === 'string' && Version !== '' ? '' : 'Version is not a string',
    Number.isInteger(Priority) ? '' : 'Priority is not an integer',
    Array.isArray(Schema) ? '' : 'Schema is not a list of fields',
    typeof Plugin === 'function' ? '' : 'Plugin is not a class',
    Metrics === undefined || typeof Metrics.getMetricsAsJSON === 'function'
      ? ''
      : 'Metrics has no getMetricsAsJSON()',
  ].filter(problem => problem !== '')
  if (problems.length > 0) throw new Error(`${file}: ${problems.join(', ')}`)
  return exported as PluginModule
}
