import type { Headers, HeaderValue } from '../../plugin-server/pdk.ts'

type Line = readonly [name: string, value: string]

/**
 * The header lines of a message in their order and spelling, as nginx keeps them. A name means
 * every line that is equal to it but for case; `_` and `-` are different here, as on the wire.
 */
export class HeaderLines {
  #lines: readonly Line[]

  /** Takes what Node calls `rawHeaders`: name, value, name, value… */
  constructor(raw: readonly string[] = []) {
    this.#lines = raw.flatMap((name, index): Line[] =>
      index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : [],
    )
  }

  get lines(): readonly Line[] {
    return this.#lines
  }

  get raw(): string[] {
    return this.#lines.flat()
  }

  values(name: string): string[] {
    return this.#lines.filter(line => isNamed(line, name)).map(([, value]) => value)
  }

  has(name: string): boolean {
    return this.#lines.some(line => isNamed(line, name))
  }

  /** Replaces every line of that name, where the first of them stood; a list becomes several lines. */
  set(name: string, value: HeaderValue): void {
    const first = this.#lines.findIndex(line => isNamed(line, name))
    const at = first === -1 ? this.#lines.length : first
    const after = this.#lines.slice(at).filter(line => !isNamed(line, name))
    this.#lines = [...this.#lines.slice(0, at), ...toLines(name, value), ...after]
  }

  setAll(headers: Headers): void {
    for (const [name, value] of Object.entries(headers)) this.set(name, value)
  }

  append(name: string, value: HeaderValue): void {
    this.#lines = [...this.#lines, ...toLines(name, value)]
  }

  clear(name: string): void {
    this.#lines = this.#lines.filter(line => !isNamed(line, name))
  }
}

function toLines(name: string, value: HeaderValue): Line[] {
  return (typeof value === 'string' ? [value] : value).map(each => [name, each])
}

function isNamed([name]: Line, wanted: string): boolean {
  return name.toLowerCase() === wanted.toLowerCase()
}
