import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { runLua } from './lua.ts'

/** `custom_fields_by_lua`: the names of fields of a log message, and Lua that gives their values. */
export type CustomFields = Readonly<Record<string, string>>

/** A value in a log message and where it is: `request.headers.cookie`. */
export type Fields = Readonly<Record<string, string>>

interface Plugin {
  readonly name: string
  readonly config?: { readonly custom_fields_by_lua?: CustomFields }
}
interface Place {
  readonly plugins?: readonly Plugin[]
  readonly routes?: readonly Place[]
  readonly services?: readonly Place[]
}

/** Kong's plugins that pass on what its log serializer gives. */
const loggers = ['file-log', 'http-log', 'loggly', 'syslog', 'tcp-log', 'udp-log']

/** The plugins of config/kong.yml that write or send log messages, wherever they stand. */
export function readLoggers(): readonly Plugin[] {
  const file = parse(readFileSync('config/kong.yml', 'utf8'), { merge: true }) as Place
  return pluginsOf(file).filter(({ name }) => loggers.includes(name))
}

function pluginsOf({ plugins = [], routes = [], services = [] }: Place): Plugin[] {
  return [...plugins, ...[...routes, ...services].flatMap(pluginsOf)]
}

/** What is left of a message after the Lua, run under LuaJIT. Names hold no dot, values no line. */
export function redact(custom_fields: CustomFields, message: Fields): Fields {
  const folder = mkdtempSync(join(tmpdir(), 'lua-redaction-'))
  try {
    const args = Object.entries(custom_fields).flatMap(([key, expression], index) => {
      const path = join(folder, `${index}.lua`)
      writeFileSync(path, expression)
      return [key, path]
    })
    const lines = Object.entries(message).map(
      ([path, value]) => `${path.replaceAll('.', '\t')}\t${value}\n`,
    )
    const output = runLua('test/contract/lua-log-stand-in.lua', args, lines.join(''))
    return Object.fromEntries(output.split('\n').filter(Boolean).map(parseLine))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function parseLine(line: string): [string, string] {
  const end = line.lastIndexOf('\t')
  return [line.slice(0, end).replaceAll('\t', '.'), line.slice(end + 1)]
}
