import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { type Document, isMap, parseDocument, visit } from 'yaml'
import {
  ConfigurationError,
  loadConfiguration,
} from '../../../gateway/local/gateway/configuration.ts'
import { parseDump } from '../../../gateway/local/gateway/external-plugin.ts'
import { kongFields } from '../../../plugins/mcp-oidc/kong-schema.ts'
import { fields } from '../../../plugins/mcp-oidc/schema.ts'
import { change, kong_yml } from '../../support/kong-yml.ts'

const config = { type: 'record', fields: kongFields(fields) }
const plugin = { Name: 'mcp-oidc', Priority: 1050, Schema: { fields: [{ config }] } }
const external_plugin = parseDump(JSON.stringify({ Protocol: 'ProtoBuf:1', Plugins: [plugin] }))
const text = readFileSync(kong_yml, 'utf8')
/** Every variable that the file names, but for those in its comments. */
const environment = Object.fromEntries(
  [...text.replaceAll(/^\s*#.*$/gm, '').matchAll(/\{vault:\/\/env\/([a-z0-9-]+)\}/g)].map(
    ([, name = '']) => [name.toUpperCase().replaceAll('-', '_'), 'something'],
  ),
)

type Mistake = (document: Document) => void

function problemsOf(mistakes: readonly Mistake[], given = environment): readonly string[] {
  const document = parseDocument(text, { version: '1.1', merge: true })
  for (const make of mistakes) make(document)
  try {
    loadConfiguration(document.toString(), { environment: given, external_plugin })
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

function rename(from: string, to: string): Mistake {
  return document => {
    let found = 0
    visit(document, {
      Map(_key, node) {
        if (node.get('name') !== from || !isMap(node)) return
        node.set('name', to)
        found += 1
      },
    })
    if (found === 0) throw new Error(`config/kong.yml has no ${from}`)
  }
}

const mistakes: readonly (readonly [string, Mistake, RegExp])[] = [
  [
    'a setting of a service that is misspelt',
    document => document.setIn(['services', 0, 'read_timout'], 1),
    /^services\[0\]\.read_timout: /,
  ],
  [
    'a setting of a route that is misspelt',
    document => document.setIn(['routes', 0, 'strip_paht'], false),
    /^routes\[0\]\.strip_paht: /,
  ],
  [
    'a section that is misspelt',
    document => document.set('service', []),
    /^service: the local gateway knows no such field/,
  ],
  ['a plugin nobody knows', rename('prometheus', 'promotheus'), /'promotheus'/],
  [
    'a limit that is none',
    document => change(document, 'org-rate-limiting', { minute: -1 }),
    /^services\[0\]\.routes\[0\]\.plugins\[\d\]\.config\.minute: /,
  ],
  [
    'a setting of the plugin that is misspelt',
    document => change(document, 'mcp-oidc', { access_token_tll: 60 }),
    /config\.access_token_tll: /,
  ],
  [
    'a setting of the plugin out of its bounds',
    document => change(document, 'mcp-oidc', { access_token_ttl: 5 }),
    /config\.access_token_ttl: /,
  ],
  [
    'an upstream that is no URL',
    document => document.setIn(['services', 0, 'url'], 'mcp-server'),
    /^services\[0\]\.url: is no http or https URL/,
  ],
]

describe('config/kong.yml', () => {
  it('O05 has none of the mistakes below', () => {
    expect(problemsOf([])).toEqual([])
    expect(Object.keys(environment).length).toBeGreaterThan(5)
  })

  it.each(mistakes)('O05 with %s is refused, with the place', (_name, make, place) => {
    const problems = problemsOf([make])
    expect(problems).not.toEqual([])
    for (const problem of problems) expect(problem).toMatch(place)
  })

  it.each(Object.keys(environment))('O05 without the secret %s is refused by its name', name => {
    const rest = Object.fromEntries(Object.entries(environment).filter(([one]) => one !== name))
    const problems = problemsOf([], rest)
    expect(problems).not.toEqual([])
    for (const problem of problems)
      expect(problem).toContain(`environment variable ${name} is not set`)
  })

  it('O05 with all of them is refused with all of them at once', () => {
    const problems = problemsOf(
      mistakes.map(([, make]) => make),
      {},
    )
    for (const [, , place] of mistakes)
      expect(problems).toContainEqual(expect.stringMatching(place))
    for (const name of Object.keys(environment))
      expect(problems.join()).toContain(`environment variable ${name} is not set`)
  })
})
