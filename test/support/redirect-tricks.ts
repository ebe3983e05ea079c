import fc from 'fast-check'

/** What an attacker does to a redirect URI, and hopes that one side overlooks. `n` picks a place or a variant. */
type Trick = (uri: string, n: number) => string

const pick = (n: number, ...texts: readonly string[]) => texts[n % texts.length] ?? ''
const at = (uri: string, n: number, text: string, replaced = 0) => {
  const place = n % (uri.length + 1)
  return uri.slice(0, place) + text + uri.slice(place + replaced)
}
/** The parts as they stand in the text, without anybody's idea of a URL. */
const parts = (uri: string) =>
  /^([^:]*):(\/*)([^/?#]*)(.*)$/s.exec(uri)?.slice(1) ?? ['', '', '', uri]
const withHost = (uri: string, change: (host: string) => string) => {
  const [scheme = '', slashes = '', host = '', rest = ''] = parts(uri)
  return `${scheme}:${slashes}${change(host)}${rest}`
}
const withRest = (uri: string, change: (rest: string) => string) => {
  const [scheme = '', slashes = '', host = '', rest = ''] = parts(uri)
  return `${scheme}:${slashes}${host}${change(rest)}`
}
const withScheme = (uri: string, scheme: string) => uri.replace(/^[^:]*/, scheme)
const fullWidth = (text: string) =>
  text.replace(/[!-~]/g, c => String.fromCodePoint((c.codePointAt(0) ?? 0) + 0xfee0))
const escaped = (text: string) =>
  text.replace(/./gs, c => `%${(c.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`)
const letterAt = (uri: string, n: number, change: (letter: string) => string) => {
  const place = n % Math.max(1, uri.length)
  return uri.slice(0, place) + change(uri.charAt(place)) + uri.slice(place + 1)
}

export const tricks: Readonly<Record<string, Trick>> = {
  nothing: uri => uri,
  userinfo: (uri, n) =>
    withHost(uri, host =>
      pick(
        n,
        `user@${host}`,
        `${host}@evil.example`,
        `${host}:80@evil.example`,
        `@${host}`,
        `a:b@${host}`,
        `${host}%40evil.example`,
        `:@${host}`,
      ),
    ),
  backslash: (uri, n) =>
    pick(
      n,
      uri.replaceAll('/', '\\'),
      uri.replace('//', '\\\\'),
      uri.replace('//', '/\\'),
      at(uri, n, '\\'),
      withHost(uri, h => `${h}\\@evil.example`),
      withHost(uri, h => `evil.example\\.${h}`),
    ),
  dots: (uri, n) =>
    withRest(uri, rest =>
      pick(
        n,
        `/..${rest}`,
        `/.${rest}`,
        `/a/..${rest}`,
        `${rest}/.`,
        `${rest}/..`,
        `/x/../..${rest}`,
        `${rest}/../evil`,
      ),
    ),
  'encoded dots': (uri, n) =>
    withRest(uri, rest =>
      pick(
        n,
        `/%2e%2e${rest}`,
        `/%2E${rest}`,
        `/a/.%2e${rest}`,
        `${rest}/%2e`,
        `${rest}/%252e%252e/evil`,
        `/%2f..${rest}`,
        `/%5c..${rest}`,
        `/..;${rest}`,
      ),
    ),
  'escaped letter': (uri, n) => letterAt(uri, n, escaped),
  'escaped host': (uri, n) =>
    withHost(uri, host =>
      pick(
        n,
        escaped(host),
        `%${host}`,
        host.replace('.', '%2e'),
        `${host}%00`,
        `${host}%2fevil.example`,
        `${host}%252f`,
      ),
    ),
  'full width': (uri, n) => pick(n, letterAt(uri, n, fullWidth), withHost(uri, fullWidth)),
  idn: (uri, n) =>
    withHost(uri, host =>
      pick(
        n,
        host.replace('a', 'а'),
        host.replace('o', 'ο'),
        `xn--${host}`,
        `xn--80ak6aa92e.${host}`,
        host.replace('p', 'ⓟ'),
        `${host}ß`,
        host.replace('l', 'ℓ'),
        `faß.${host}`,
        host.replace('e', 'e\u0301'),
      ),
    ),
  'unicode dots': (uri, n) =>
    pick(
      n,
      ...['。', '．', '｡', '․', '\u2024', '‥'].map(dot => uri.replace('.', dot)),
      withHost(uri, h => `${h}。evil.example`),
      uri.replace('/', '／'),
      uri.replace('/', '∕'),
      uri.replace('?', '？'),
    ),
  'trailing dot': (uri, n) =>
    withHost(uri, host =>
      pick(n, `${host}.`, `${host}..`, `.${host}`, host.replace(/(:\d+)?$/, '.$1')),
    ),
  'mixed case': (uri, n) =>
    pick(
      n,
      uri.toUpperCase(),
      letterAt(uri, n, c => c.toUpperCase()),
      withHost(uri, h => h.toUpperCase()),
      withScheme(uri, parts(uri)[0]?.toUpperCase() ?? ''),
    ),
  whitespace: (uri, n) =>
    at(
      uri,
      n >> 3,
      pick(
        n,
        '\t',
        '\n',
        '\r',
        ' ',
        '\r\n',
        '\u00a0',
        '\u2028',
        '\u0000',
        '\u200b',
        '\ufeff',
        '\u00ad',
      ),
    ),
  'encoded controls': (uri, n) =>
    at(
      uri,
      n >> 3,
      pick(
        n,
        '%0d%0a',
        '%0D%0ALocation:%20https://evil.example',
        '%00',
        '%09',
        '%0a',
        '%7f',
        '%e2%80%ae',
        '%1b',
      ),
    ),
  slashes: (uri, n) =>
    pick(
      n,
      uri.replace('//', '///'),
      uri.replace('//', '/'),
      uri.replace('//', ''),
      withRest(uri, r => `/${r}`),
      withRest(uri, r => `//evil.example${r}`),
      `//${uri}`,
      uri.replace(/^[^:]*:/, ''),
      `${uri}/`,
      uri.replace(/\/$/, ''),
    ),
  port: (uri, n) => {
    const [host = ''] = parts(uri)[2]?.split(/:\d*$/) ?? ['']
    return withHost(uri, () =>
      pick(
        n,
        `${host}:443`,
        `${host}:80`,
        `${host}:`,
        `${host}:0`,
        `${host}:${n % 70_000}`,
        `${host}:080`,
        `${host}:+80`,
        `${host}:80:90`,
        `${host}:8e1`,
        `${host}:-1`,
        `${host}:99999`,
        `${host}:१२`,
        `${host}:80@evil.example`,
        host,
        `${host}:${1024 + (n % 60_000)}`,
      ),
    )
  },
  address: (uri, n) =>
    withHost(uri, () =>
      pick(
        n,
        '127.1',
        '127.0.1',
        '2130706433',
        '0x7f000001',
        '0x7f.1',
        '0177.0.0.1',
        '017700000001',
        '127.0.0.1.',
        '127.0.0.01',
        '127.0.0.2',
        '0.0.0.0',
        '[::]',
        '[::1%25lo]',
        '[::1%lo]',
        '[0:0:0:0:0:0:0:1]',
        '[::ffff:127.0.0.1]',
        '[::ffff:7f00:1]',
        '[::1',
        '::1',
        '[::1]',
        '127.0.0.1',
        'localhost',
      ),
    ),
  neighbour: (uri, n) =>
    withHost(uri, host =>
      pick(
        n,
        'localhost.evil',
        'localhost.localdomain',
        '127.0.0.1.nip.io',
        'localhost.evil.example',
        `${host}.evil.example`,
        `evil-${host}`,
        `evil.${host}`,
        `${host}evil.example`,
        'localhosts',
        'gw.example',
        'gw.example:443',
        'localhost:8000',
        '127.0.0.1:8000',
        '[::1]:8000',
        'xn--localhost',
      ),
    ),
  scheme: (uri, n) =>
    pick(
      n,
      ...[
        'javascript',
        'data',
        'file',
        'blob:https',
        'vbscript',
        'http',
        'https',
        'httpx',
        'ftp',
        'ws',
        'view-source:https',
        'intent',
        'about',
        'JaVaScRiPt',
        'java\tscript',
        'feed:https',
        'jar:https',
        'cursor',
        'com.example.app',
        'http+unix',
        'x',
        '',
        'filesystem:http',
        'ms-appx',
        'javascript.x',
      ].map(s => withScheme(uri, s)),
      `javascript://%0aalert(1)//${uri}`,
      `data:text/html,${uri}`,
      ` ${uri}`,
      `url:${uri}`,
    ),
  fragment: (uri, n) => pick(n, `${uri}#`, `${uri}#x`, at(uri, n, '#'), `${uri}%23x`),
  query: (uri, n) =>
    pick(
      n,
      `${uri}?`,
      `${uri}?x=1`,
      `${uri}&x=1`,
      at(uri, n, '?'),
      `${uri}?code=stolen`,
      `${uri}?state=x&iss=y`,
      `${uri}?next=https://evil.example`,
      `${uri}?%63ode=x`,
      `${uri}?a=%26`,
      `${uri};x`,
    ),
  wildcard: (uri, n) =>
    pick(
      n,
      withHost(uri, h => `*.${h}`),
      `${uri}*`,
      at(uri, n, '*'),
      `${uri}/.*`,
      at(uri, n, '{x}'),
    ),
  long: (uri, n) =>
    pick(
      n,
      uri + 'a'.repeat(2048),
      withHost(uri, h => `${'a'.repeat(300)}.${h}`),
      uri + '%41'.repeat(700),
      uri + '/'.repeat(3000),
    ),
  cut: (uri, n) => uri.slice(0, n % (uri.length + 1)),
  spice: (uri, n) =>
    at(
      uri,
      n >> 4,
      pick(
        n,
        '@',
        ':',
        '/',
        '.',
        '%',
        '[',
        ']',
        '|',
        '<',
        '>',
        '"',
        "'",
        '`',
        '^',
        '~',
        '+',
        ',',
        '=',
      ),
      n % 2,
    ),
}

/** Real shapes of redirect URIs, and some that exist to be confused. */
export const registered_uris: readonly string[] = [
  'https://claude.ai/api/mcp/auth_callback',
  'https://app.example/cb',
  'https://app.example:8443/a/b?tenant=1',
  'https://xn--bcher-kva.example/cb',
  'http://127.0.0.1/callback',
  'http://127.0.0.1:33418/',
  'http://localhost:3118/callback',
  'http://localhost:1234/cb?x=1',
  'http://[::1]:9000/cb',
  'http://localhost',
  'cursor://anysphere.cursor-mcp/oauth/callback',
  'com.example.app:/oauth/callback',
]

const names = Object.keys(tricks)

/** One URI with up to three tricks played on it. */
export function trickedUri(uris: readonly string[]): fc.Arbitrary<string> {
  const play = fc.tuple(fc.constantFrom(...names), fc.nat(1_000_000))
  return fc
    .tuple(fc.constantFrom(...uris), fc.array(play, { minLength: 1, maxLength: 3 }))
    .map(([uri, plays]) => plays.reduce((text, [name, n]) => tricks[name]?.(text, n) ?? text, uri))
}
