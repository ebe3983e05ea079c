/** Compose's interpolation of one string: what comes out, and what is wrong with it. */
export interface Interpolated {
  readonly value: string
  readonly problems: readonly string[]
}

export type Variables = Readonly<Record<string, string | undefined>>

/**
 * As the Compose specification has it: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`,
 * `${NAME:?message}`, `${NAME?message}`, `${NAME:+value}`, `${NAME+value}`, nested in the second part,
 * and `$$` for a dollar. A variable that is not set and has no default is a problem here; Compose
 * itself warns and takes an empty text.
 */
export function interpolate(text: string, variables: Variables): Interpolated {
  const problems: string[] = []
  const value = expand(text, variables, problems)
  return { value, problems }
}

function expand(text: string, variables: Variables, problems: string[]): string {
  let result = ''
  for (let at = 0; at < text.length;) {
    if (text[at] !== '$') {
      result += text.charAt(at)
      at += 1
    } else if (text[at + 1] === '$') {
      result += '$'
      at += 2
    } else if (text[at + 1] === '{') {
      const end = closing(text, at + 1)
      if (end === -1) {
        problems.push(`"${text}" has a \${ without its }`)
        return result
      }
      result += braced(text.slice(at + 2, end), variables, problems)
      at = end + 1
    } else {
      const name = /^[A-Za-z_]\w*/.exec(text.slice(at + 1))?.[0]
      if (name === undefined) {
        problems.push(`"${text}" has a $ that is no variable: write $$ for a dollar`)
        return result
      }
      result += known(name, variables, problems)
      at += 1 + name.length
    }
  }
  return result
}

/** Where the brace that opens at `open` is closed; -1 when nowhere. */
function closing(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === '{' && (at === open || text[at - 1] === '$')) depth += 1
    else if (text[at] === '}') {
      depth -= 1
      if (depth === 0) return at
    }
  }
  return -1
}

function braced(inner: string, variables: Variables, problems: string[]): string {
  const parts = /^([A-Za-z_]\w*)(?:(:?[-?+])([\s\S]*))?$/.exec(inner)
  const [, name, operator, second = ''] = parts ?? []
  if (name === undefined) {
    problems.push(`\${${inner}} is no variable`)
    return ''
  }
  if (operator === undefined) return known(name, variables, problems)
  const value = variables[name]
  const given = value !== undefined && (!operator.startsWith(':') || value !== '')
  const then = () => expand(second, variables, problems)
  if (operator.endsWith('+')) return given ? then() : ''
  if (given) return value
  if (operator.endsWith('-')) return then()
  problems.push(`${name} is not set: ${then()}`)
  return ''
}

function known(name: string, variables: Variables, problems: string[]): string {
  const value = variables[name]
  if (value === undefined) problems.push(`${name} is not set, and has no default`)
  return value ?? ''
}

/** Every string of a value interpolated, keys left alone. Problems are told with their place. */
export function interpolateAll(
  value: unknown,
  variables: Variables,
  place = '',
): { readonly value: unknown; readonly problems: readonly string[] } {
  if (typeof value === 'string') {
    const { value: text, problems } = interpolate(value, variables)
    return { value: text, problems: problems.map(problem => `${place}: ${problem}`) }
  }
  if (typeof value !== 'object' || value === null) return { value, problems: [] }
  const at = (key: string | number) => (place === '' ? String(key) : `${place}.${key}`)
  const entries = Object.entries(value).map(
    ([key, member]) => [key, interpolateAll(member, variables, at(key))] as const,
  )
  const problems = entries.flatMap(([, member]) => member.problems)
  return {
    value: Array.isArray(value)
      ? entries.map(([, member]) => member.value)
      : Object.fromEntries(entries.map(([key, member]) => [key, member.value])),
    problems,
  }
}
