import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { loadPlugins, plugins_folder, readKongConf } from './lua-aliases.ts'
import type { Facts } from './lua-aliases.ts'

/** Before mcp-oidc (1050); after Kong's own rate-limiting, which is 910. */
const priorities = {
  'ip-rate-limiting': '1100',
  'org-rate-limiting': '909',
  'tool-rate-limiting': '908',
}
const aliases = Object.keys(priorities)

const facts = (name: string, priority: string, limited_by: string): Facts => ({
  priority,
  'refuses as': limited_by,
  'passes as': 'nil',
  version: '3.9.3',
  access: 'counted by header',
  schema: name,
  minute: 'number',
  validator: 'true',
  checks: 'config.minute',
  'handler written by': name,
  'schema written by': name,
})
const expected = {
  'rate-limiting': facts('rate-limiting', '910', 'nil'),
  ...Object.fromEntries(
    Object.entries(priorities).map(([name, at]) => [
      name,
      facts(name, at, name.replace('-rate-limiting', '')),
    ]),
  ),
}

describe("Kong's rate-limiting under further names", () => {
  it.each([
    ['first', ['rate-limiting', ...aliases]],
    ['last', [...aliases, 'rate-limiting']],
    ['in between', [...aliases.slice(1), 'rate-limiting', ...aliases.slice(0, 1)]],
  ])('G07 are plugins of their own when Kong loads its own %s', (_when, order) => {
    expect(loadPlugins(order)).toEqual(expected)
  })

  it('G07 count addresses before mcp-oidc answers, people and organisations after', () => {
    const source = readFileSync('plugins/mcp-oidc/index.ts', 'utf8')
    const mcp_oidc = Number(/^export const Priority = (\d+)$/m.exec(source)?.[1])
    const before = Object.entries(priorities).filter(([, at]) => Number(at) > mcp_oidc)
    expect(before.map(([name]) => name)).toEqual(['ip-rate-limiting'])
  })

  it('G07 are known to Kong by kong.conf', () => {
    expect(readKongConf('plugins').split(',')).toEqual(['bundled', 'mcp-oidc', ...aliases])
    const [path] = readKongConf('lua_package_path').split(';')
    expect(path).toBe(`/opt/mcp-oidc-gateway/${plugins_folder}/?.lua`)
  })
})

describe('the tests of the aliases notice', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lua-aliases-'))
  })
  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  const files = aliases.flatMap(name =>
    ['handler.lua', 'schema.lua'].map(file => join('kong', 'plugins', name, file)),
  )

  it.each(files)('G07 that %s has lost a line', path => {
    for (const [at, line] of linesOf(path).entries()) {
      // An `end` alone makes a file that does not load, as does what it closes.
      if (line.trim() === '' || line.startsWith('--')) continue
      const changed = linesOf(path).filter((_, index) => index !== at)
      expect([line, isNoticed(path, changed.join('\n'))]).toEqual([line, true])
    }
  })

  it.each([
    ['handler.lua', 'local handler = {}', 'local handler = rate_limiting'],
    [
      'schema.lua',
      'copy(require "kong.plugins.rate-limiting.schema")',
      'require "kong.plugins.rate-limiting.schema"',
    ],
  ])('G07 that %s shares what it should copy', (file, from, to) => {
    for (const path of files.filter(each => each.endsWith(file))) {
      const text = linesOf(path).join('\n')
      expect(text).toContain(from)
      expect(isNoticed(path, text.replace(from, to))).toBe(true)
    }
  })

  function isNoticed(path: string, changed: string): boolean {
    const copy = mkdtempSync(join(folder, 'plugins-'))
    cpSync(plugins_folder, copy, { recursive: true })
    writeFileSync(join(copy, path), changed)
    const loaded = loadPlugins(['rate-limiting', ...aliases], copy)
    return JSON.stringify(loaded) !== JSON.stringify(expected)
  }
})

function linesOf(path: string): string[] {
  return readFileSync(join(plugins_folder, path), 'utf8').split('\n')
}

interface Plugin {
  readonly name: string
  readonly config: {
    readonly limit_by?: string
    readonly header_name?: string
    readonly access?: string[]
  }
}

describe('the limits of config/kong.yml', () => {
  const file = parse(readFileSync('config/kong.yml', 'utf8'), { merge: true }) as {
    plugins: Plugin[]
    services: { routes: { name: string; plugins: Plugin[] }[] }[]
    routes: { name: string; plugins: Plugin[] }[]
  }
  const routes = [...file.routes, ...file.services.flatMap(service => service.routes)]
  const limits = (route: string) =>
    (routes.find(({ name }) => name === route)?.plugins ?? [])
      .filter(({ name }) => name.endsWith('rate-limiting'))
      .map(({ name, config }) => [name, config.limit_by, config.header_name])

  it('G07 are per address, person and organisation where tools are called', () => {
    expect(limits('mcp')).toEqual([
      ['ip-rate-limiting', 'ip', undefined],
      ['rate-limiting', 'header', 'X-User-Id'],
      ['org-rate-limiting', 'header', 'X-Org-Id'],
    ])
  })

  it('G07 are per address where mcp-oidc answers itself', () => {
    for (const route of ['oauth', 'register'])
      expect(limits(route)).toEqual([['ip-rate-limiting', 'ip', undefined]])
  })

  it('G02 count by no header that a client could send: pre-function removes them', () => {
    const guard = file.plugins.find(({ name }) => name === 'pre-function')?.config.access?.join()
    const counted = routes
      .flatMap(({ plugins }) => plugins)
      .flatMap(({ config }) => config.header_name ?? [])
    expect(counted).not.toEqual([])
    for (const header of counted) expect(guard).toContain(`['${header.toLowerCase()}'] = true`)
  })
})
