import { randomUUID } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'

/** A line of .env, with what it is for. */
export interface Variable {
  readonly name: string
  readonly value: string
  /** Comment lines before it. */
  readonly about?: string
}

/** What a .env says. Lines `NAME=value`, as Docker and Node read them. */
export function readEnvironment(text: string): Readonly<Record<string, string>> {
  return parseEnv(text) as Record<string, string>
}

/**
 * The text with the variables that it lacks at its end, and which these are. What it has stays as it
 * is, also when it is empty: somebody meant it.
 */
export function withMissing(
  text: string,
  wanted: readonly Variable[],
): { readonly text: string; readonly added: readonly string[] } {
  const present = new Set(Object.keys(readEnvironment(text)))
  const missing = wanted.filter(({ name }) => !present.has(name))
  const lines = missing.flatMap(({ name, value, about }) => [
    ...(about === undefined ? [] : ['', ...about.split('\n').map(line => `# ${line}`)]),
    `${name}=${value}`,
  ])
  const begin = text === '' || text.endsWith('\n') ? text : `${text}\n`
  return {
    text: lines.length === 0 ? text : `${begin}${lines.join('\n')}\n`,
    added: missing.map(({ name }) => name),
  }
}

/** Writes secrets for their owner alone, whole or not at all: half a file would be lost keys. */
export async function writeSecrets(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomUUID()}`
  try {
    await writeFile(draft, text, { mode: 0o600, flag: 'wx' })
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}
