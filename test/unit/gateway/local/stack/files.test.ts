import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { importJWK } from 'jose'
import { loadDevelopmentKeys } from '../../../../../gateway/local/stack/development-keys.ts'
import {
  gatewayEnvironment,
  writeEnvironmentFile,
} from '../../../../../gateway/local/stack/environment.ts'
import { kongConfigFor, usual } from '../../../../../gateway/local/stack/kong-config.ts'
import { openLogFile } from '../../../../../gateway/local/stack/log-file.ts'
import { parseKeyRing } from '../../../../../storage/key-ring.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stack-files-'))
})
afterEach(() => rm(folder, { recursive: true }))

const modeOf = async (file: string) => ((await stat(file)).mode & 0o777).toString(8)

describe('development keys', () => {
  it('are made once, readable by their owner alone, and usable', async () => {
    const file = join(folder, 'keys.json')
    const keys = await loadDevelopmentKeys(file)
    expect(await loadDevelopmentKeys(file)).toEqual(keys)
    expect(await modeOf(file)).toBe('600')
    expect(await readdir(folder)).toEqual(['keys.json'])
    const storage = parseKeyRing(JSON.stringify(keys.storage_keys))
    const cookies = parseKeyRing(JSON.stringify(keys.cookie_keys))
    expect(Buffer.from(storage[0].key).equals(Buffer.from(cookies[0].key))).toBe(false)
    const [signing] = keys.signing_keys.keys
    expect(signing).toMatchObject({ kty: 'EC', crv: 'P-256', d: expect.any(String) as unknown })
    expect(await importJWK(signing ?? {}, 'ES256')).toMatchObject({ type: 'private' })
  })

  it.each(['', '{', '{"signing_keys":{"keys":[]}}'])(
    'a file that holds %j is an error and stays as it is',
    async text => {
      const file = join(folder, 'keys.json')
      await writeFile(file, text)
      await expect(loadDevelopmentKeys(file)).rejects.toThrow('does not hold the development keys')
      expect(await readFile(file, 'utf8')).toBe(text)
    },
  )
})

describe('the environment of Kong', () => {
  it('has every name that config/kong.yml refers to, in a file of our own', async () => {
    const keys = await loadDevelopmentKeys(join(folder, 'keys.json'))
    const environment = gatewayEnvironment('http://localhost:8000', 'postgresql://db', keys)
    const text = await readFile('config/kong.yml', 'utf8')
    const kong_yml = text.replaceAll(/^\s*#.*$/gm, '')
    const names = [...kong_yml.matchAll(/vault:\/\/env\/([a-z-]+)}'/g)].map(([, name = '']) =>
      name.toUpperCase().replaceAll('-', '_'),
    )
    expect(new Set(Object.keys(environment))).toEqual(new Set(names))

    const file = join(folder, 'kong.env')
    await writeEnvironmentFile(file, environment)
    expect(await modeOf(file)).toBe('600')
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
    expect(lines).toContain('GATEWAY_URL=http://localhost:8000')
    expect(lines).toHaveLength(Object.keys(environment).length)
  })
})

describe('the Kong configuration of a stack', () => {
  it('is config/kong.yml itself in the usual places', async () => {
    const copy = join(folder, 'kong.yml')
    expect(await kongConfigFor(usual, 'config/kong.yml', copy)).toBe('config/kong.yml')
    expect(await readdir(folder)).toEqual([])
  })

  it('is a copy that differs in the places alone otherwise', async () => {
    const copy = join(folder, 'kong.yml')
    const places = {
      mcp_server: 'http://127.0.0.1:3999',
      console: 'http://127.0.0.1:3998',
      idp: 'http://localhost:8999',
    }
    expect(await kongConfigFor(places, 'config/kong.yml', copy)).toBe(copy)
    const back = (await readFile(copy, 'utf8'))
      .replaceAll(places.mcp_server, usual.mcp_server)
      .replaceAll(places.console, usual.console)
      .replaceAll(places.idp, usual.idp)
    const again = join(folder, 'again.yml')
    await writeFile(again, back)
    const parse = async (file: string) => {
      const { parse } = await import('yaml')
      return parse(await readFile(file, 'utf8'), { merge: true }) as unknown
    }
    expect(await parse(again)).toEqual(await parse('config/kong.yml'))
    expect(back).not.toBe(await readFile(copy, 'utf8'))
  })

  it('is refused when the file does not name what is to be moved', async () => {
    const file = join(folder, 'other.yml')
    await writeFile(file, 'services: [{url: http://elsewhere}]')
    await expect(
      kongConfigFor({ ...usual, idp: 'http://localhost:1' }, file, join(folder, 'copy.yml')),
    ).rejects.toThrow(usual.idp)
  })
})

describe('a log file', () => {
  it('keeps every line, remembers the last ten, and passes errors on', async () => {
    const complaints: string[] = []
    const path = join(folder, 'part.log')
    const log = openLogFile(path, line => complaints.push(line))
    for (let n = 1; n <= 12; n++) log.write(`line ${n}`)
    log.write('{"level":30,"msg":"error budget is fine"}')
    log.write('{"level":50,"msg":"failed","err":{"message":"because"}}')
    log.write('FATAL:  no space')
    await log.close()
    expect(complaints).toEqual(['failed: because', 'FATAL:  no space'])
    expect(log.tail).toHaveLength(10)
    expect(log.tail.at(-1)).toBe('FATAL:  no space')
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(16)
    expect(await modeOf(path)).toBe('600')
  })
})
