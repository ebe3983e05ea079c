/** A problem for each name that a setting has more than once; of lists as long as anybody writes. */
export function twice(setting: string, names: readonly string[] = []): readonly string[] {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) repeated.add(name)
    seen.add(name)
  }
  return [...repeated].map(name => `${setting}: "${name}" appears twice`)
}
