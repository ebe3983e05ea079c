import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { runLua } from './lua.ts'

/** The snippets of one configuration; `undefined` for one that is not there. */
export interface Guards {
  readonly rewrite: string | undefined
  readonly pre: string | undefined
  readonly post: string | undefined
}
type Lines = readonly (readonly [name: string, value: string])[]

export interface GuardedRequest {
  readonly headers: Lines
  /** What a plugin sets between the two snippets. */
  readonly plugin: Lines
}

export interface Outcome {
  /** What kong.request.get_header gives for identity headers, before the plugin sets any. */
  readonly seen: readonly string[]
  /** 'proxied', or 'exit' with status, content type and body. */
  readonly end: string
  readonly upstream: readonly string[]
}

interface Snippet {
  readonly name: string
  readonly config: { readonly rewrite?: readonly string[]; readonly access?: readonly string[] }
}

/** The two snippets as config/kong.yml has them: one for every route, one for the upstream's. */
export function readGuards(): Guards {
  const file = parse(readFileSync('config/kong.yml', 'utf8'), { merge: true }) as {
    plugins: Snippet[]
    services: { plugins: Snippet[] }[]
  }
  const find = (plugins: Snippet[], name: string, phase: 'rewrite' | 'access' = 'access') =>
    plugins.find(plugin => plugin.name === name)?.config[phase]?.join('\n')
  return {
    rewrite: find(file.plugins, 'pre-function', 'rewrite'),
    pre: find(file.plugins, 'pre-function'),
    post: find(
      file.services.flatMap(({ plugins }) => plugins),
      'post-function',
    ),
  }
}

/** Runs requests through the snippets under LuaJIT, one after the other in one Lua state. */
export function runGuards(guards: Guards, requests: readonly GuardedRequest[]): Outcome[] {
  const folder = mkdtempSync(join(tmpdir(), 'lua-guards-'))
  try {
    const files = Object.entries(guards).map(([name, snippet]: [string, string | undefined]) => {
      if (snippet === undefined) return '-'
      const path = join(folder, `${name}.lua`)
      writeFileSync(path, snippet)
      return path
    })
    const input = requests.map(describe).join('')
    const output = runLua('test/contract/kong-stand-in.lua', files, input)
    return output.split('end\n').slice(0, -1).map(parseOutcome)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function describe({ headers, plugin }: GuardedRequest): string {
  const lines = [
    ...headers.map(([name, value]) => `header ${name}: ${value}`),
    ...plugin.map(([name, value]) => `plugin ${name}: ${value}`),
    'end\n',
  ]
  return lines.join('\n')
}

function parseOutcome(text: string): Outcome {
  const lines = text.split('\n').filter(line => line !== '')
  const after = (word: string) =>
    lines.filter(line => line.startsWith(`${word} `)).map(line => line.slice(word.length + 1))
  return {
    seen: after('seen'),
    end: lines.find(line => line.startsWith('exit ') || line === 'proxied') ?? 'nothing',
    upstream: after('header'),
  }
}
