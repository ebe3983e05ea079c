import { chmod, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { checkCompose } from '../../../deploy/compose/check/check.ts'
import { initialise } from '../../../deploy/compose/init.ts'
import { type CopiedTree, copyTree } from '../../support/copied-tree.ts'

/** All that docker-compose.yml, its images and its check look at. */
const needed = [
  ...['docker-compose.yml', 'package.json', 'package-lock.json', '.npmrc', 'config', 'deploy'],
  ...['gateway/kong', 'gateway/plugin-server/main.ts', 'gateway/local/idp/main.ts'],
  ...['plugins/mcp-oidc/index.ts', 'storage/store.ts', 'mcp-server/main.ts', 'console/main.ts'],
]
const now = Date.now()

describe('npm run compose:check', () => {
  let tree: CopiedTree
  const at = (path: string) => join(tree.root, path)
  const check = () => checkCompose(tree.root, now)
  /** Puts files as they were before the test. */
  const undo: (() => Promise<void>)[] = []
  const keep = async (path: string) => {
    const text = await readFile(at(path))
    const { mode } = await stat(at(path))
    undo.push(() => writeFile(at(path), text, { mode }))
    return text.toString()
  }
  const edit = async (path: string, change: (text: string) => string) => {
    const text = await keep(path)
    const changed = change(text)
    expect(changed).not.toBe(text)
    await writeFile(at(path), changed)
  }
  const remove = async (path: string) => {
    await keep(path)
    await rm(at(path))
  }
  beforeAll(async () => {
    tree = await copyTree(...needed)
    await initialise({ root: tree.root, url: undefined, now })
  })
  afterEach(async () => {
    for (const restore of undo.splice(0).toReversed()) await restore()
  })
  afterAll(() => tree.remove())

  it('O01 has nothing to say of what is in the repository, once compose:init has run', async () => {
    expect(await check()).toEqual([])
  })

  it('O01 O05 says of a missing .env what to run, and does not stop at it', async () => {
    await remove('.env')
    await remove('deploy/compose/tls/tls.key')
    const problems = await check()
    expect(problems).toContain('there is no .env: run npm run compose:init')
    expect(problems.join('\n')).toMatch(/there is no \.\/deploy\/compose\/tls\/tls\.key/)
  })

  it('O05 says of a certificate without its key, and of a foreign key, which file it is', async () => {
    const other = await copyTree('docker-compose.yml')
    await initialise({ root: other.root, url: undefined, now })
    const foreign = await readFile(join(other.root, 'deploy/compose/tls/tls.key'), 'utf8')
    await other.remove()
    await edit('deploy/compose/tls/tls.key', () => foreign)
    expect((await check()).join('\n')).toMatch(/tls\.key does not belong to TLS: .*tls\.crt/)
    await rm(at('deploy/compose/tls/tls.key'))
    expect((await check()).join('\n')).toMatch(/TLS: .*tls\.key cannot be read/)
  })

  it('O05 says of a certificate that ran out, and of one for another host', async () => {
    const later = await checkCompose(tree.root, now + 400 * 86_400_000)
    expect(later.join('\n')).toMatch(/TLS: .*tls\.crt ran out on/)
    await edit('.env', text => text.replace('localhost:8000', '127.0.0.9:8000'))
    expect((await check()).join('\n')).toMatch(/tls\.crt is not for 127\.0\.0\.9/)
  })

  it.each<[string, string, (text: string) => string, RegExp]>([
    [
      'a vault reference without a value',
      '.env',
      t => t.replace(/^CONSOLE_CLIENT_SECRET=.*$/m, ''),
      /console-client-secret\}: the environment variable CONSOLE_CLIENT_SECRET is not set/,
    ],
    [
      'a variable without a value',
      '.env',
      t => t.replace(/^POSTGRES_PASSWORD=.*$/m, ''),
      /POSTGRES_PASSWORD is not set: run npm run compose:init/,
    ],
    [
      'a weak key',
      '.env',
      t => t.replace(/"k":"[\w-]+"/, `"k":"${'A'.repeat(43)}"`),
      /not a random key/,
    ],
    [
      'a variable that is there twice',
      '.env',
      t => `${t}BIND_ADDRESS=0.0.0.0\n`,
      /says BIND_ADDRESS twice/,
    ],
    [
      'a dollar that Docker would expand',
      '.env',
      t => t.replace(/^REDIS_PASSWORD=.*$/m, 'REDIS_PASSWORD=pa$$word'),
      /REDIS_PASSWORD has a \$/,
    ],
    [
      'the development sign-in for the world',
      '.env',
      t => t.replace('http://localhost:8000', 'https://mcp.acme.example'),
      /identity_providers.*http/,
    ],
    [
      'a mistake of the specification',
      'docker-compose.yml',
      t => t.replace('healthcheck:', 'healthchek:'),
      /healthchek/,
    ],
    [
      'a build context that is not there',
      'docker-compose.yml',
      t => t.replace('dockerfile: deploy/images/Dockerfile', 'dockerfile: deploy/images/Dokerfile'),
      /there is no Dockerfile deploy\/images\/Dokerfile/,
    ],
    [
      'a stage that is not there',
      'docker-compose.yml',
      t => t.replace('target: console', 'target: konsole'),
      /has no stage konsole, only packages, base/,
    ],
    [
      'a service that is not there',
      'docker-compose.yml',
      t => t.replace('postgres: { condition', 'postgre: { condition'),
      /there is no service postgre/,
    ],
    [
      'a network that is not there',
      'docker-compose.yml',
      t => t.replace('networks: [data]', 'networks: [date]'),
      /there is no network date/,
    ],
    [
      'a port that is open to everybody',
      'docker-compose.yml',
      t => t.replace('127.0.0.1:9090:9090', '9090:9090'),
      /publishes "9090:9090"/,
    ],
    [
      'a port that is taken',
      'docker-compose.yml',
      t => t.replace('127.0.0.1:3030:3000', '127.0.0.1:9090:3000'),
      /port 9090 is published by prometheus too/,
    ],
    [
      'a secret in the file',
      'docker-compose.yml',
      t =>
        t.replace(
          'REDISCLI_AUTH: ${REDIS_PASSWORD:?run npm run compose:init}',
          'REDISCLI_AUTH: hunter2',
        ),
      /redis: REDISCLI_AUTH stands in the file/,
    ],
    [
      'an image without a version',
      'docker-compose.yml',
      t => t.replace(/image: grafana\/grafana:\S+/, 'image: grafana/grafana:latest'),
      /grafana\/grafana:latest names no version/,
    ],
    [
      'a file system that is written to',
      'docker-compose.yml',
      t => t.replace('read_only: true\n  cap_drop', 'read_only: false\n  cap_drop'),
      /not read_only/,
    ],
    [
      'a stranger beside the MCP server',
      'docker-compose.yml',
      t => t.replace('networks: [operators]', 'networks: [operators, upstream]'),
      /grafana: is in the network upstream/,
    ],
    [
      'an MCP server for everybody',
      'docker-compose.yml',
      t => t.replace('HOST: mcp-server.upstream', 'HOST: 0.0.0.0'),
      /listens at "0\.0\.0\.0"/,
    ],
    [
      'a file that is copied and left out',
      'deploy/images/Dockerfile.dockerignore',
      t => t.replace('!console\n', ''),
      /console is left out by/,
    ],
    [
      'a file that is copied and not there',
      'deploy/images/Dockerfile',
      t => t.replace('COPY storage ./storage', 'COPY storrage ./storage'),
      /line \d+: there is no storrage to copy/,
    ],
    [
      'an image that runs as root',
      'deploy/images/Dockerfile',
      t => t.replace('USER node', ''),
      /runs as root/,
    ],
    [
      'an unknown instruction',
      'gateway/kong/Dockerfile',
      t => t.replace('EXPOSE', 'EXPOS'),
      /Unknown instruction: EXPOS/,
    ],
  ])('O01 finds %s', async (_, file, change, expected) => {
    await edit(file, change)
    expect((await check()).join('\n')).toMatch(expected)
  })

  it('O05 finds a .env that others can read', async () => {
    await chmod(at('.env'), 0o644)
    undo.push(() => chmod(at('.env'), 0o600))
    expect(await check()).toContain('.env can be read by others: chmod 600 .env')
  })
})

describe('npm run compose:init', () => {
  let tree: CopiedTree
  beforeEach(async () => {
    tree = await copyTree('docker-compose.yml')
  })
  afterEach(() => tree.remove())
  const init = (url?: string) => initialise({ root: tree.root, url, now })
  const env = () => readFile(join(tree.root, '.env'), 'utf8')
  const mode = async (path: string) =>
    ((await stat(join(tree.root, path))).mode & 0o777).toString(8)

  it('O01 makes .env for its owner alone, and never the same secrets', async () => {
    await init()
    expect(await mode('.env')).toBe('600')
    expect(await mode('deploy/compose/tls')).toBe('700')
    const first = await env()
    await rm(join(tree.root, '.env'))
    await init()
    const secrets = (text: string) =>
      text
        .split('\n')
        .filter(line => /PASSWORD|SECRET|KEY|TOKEN/.test(line) && !line.startsWith('#'))
    expect(secrets(first).length).toBe(12)
    for (const line of secrets(await env())) expect(first).not.toContain(line)
  })

  it('changes nothing that is there, adds what is missing, and closes the file', async () => {
    await init()
    const before = await env()
    await writeFile(
      join(tree.root, '.env'),
      `${before.replace(/^REDIS_PASSWORD=.*\n/m, '')}MINE=1\nGRAFANA_ADMIN_PASSWORD=\n`,
    )
    await chmod(join(tree.root, '.env'), 0o644)
    expect(await init()).toMatchObject({ added: ['REDIS_PASSWORD'], certificate: false })
    expect(await env()).toMatch(/MINE=1\nGRAFANA_ADMIN_PASSWORD=\nREDIS_PASSWORD=\S{40,}\n$/)
    expect(await mode('.env')).toBe('600')
    const after = await env()
    expect(await init()).toMatchObject({ added: [] })
    expect(await env()).toBe(after)
  })

  it('leaves the development sign-in out where others connect, and wants https there', async () => {
    await init('https://mcp.acme.example')
    expect(await env()).not.toMatch(/DEV_IDP|COMPOSE_PROFILES/)
    expect(await env()).toContain('BIND_ADDRESS=0.0.0.0\nHTTPS_PORT=443')
    const certificate = new X509Certificate(
      await readFile(join(tree.root, 'deploy/compose/tls/tls.crt')),
    )
    expect(certificate.checkHost('mcp.acme.example')).toBe('mcp.acme.example')
    await expect(init('https://other.example')).rejects.toThrow(/GATEWAY_URL=https:\/\/mcp/)
  })

  it.each(['http://mcp.acme.example', 'mcp.acme.example', 'https://mcp.acme.example/', 'ftp://x'])(
    'refuses the URL %s, and writes nothing',
    async url => {
      await expect(init(url)).rejects.toThrow(TypeError)
      await expect(env()).rejects.toThrow('ENOENT')
    },
  )

  it('O05 refuses a certificate without its key, naming both', async () => {
    await init()
    await rm(join(tree.root, 'deploy/compose/tls/tls.key'))
    await expect(init()).rejects.toThrow(/tls\.crt is there, and .*tls\.key is not/)
  })
})
