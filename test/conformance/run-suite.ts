import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Revision } from './expected.ts'
import { type Results, readResults } from './results.ts'

const inPackage = (path: string) =>
  fileURLToPath(import.meta.resolve(`@modelcontextprotocol/conformance/${path}`))
/** The suite's own command. */
export const program = inPackage('dist/index.js')

const Requirements = z.looseObject({
  not_scored: z.array(z.looseObject({ scenario: z.string(), reason: z.string() })),
})

/**
 * Runs every server scenario of a revision against a URL, but for those of extensions. Throws when the
 * suite says nothing.
 */
export async function runSuite(url: string, revision: Revision, folder: string): Promise<Results> {
  await mkdir(folder, { recursive: true })
  const args = ['server', '--url', url, '--requirements', revision, '--output-dir', folder]
  const child = spawn(process.execPath, [program, ...args], { stdio: 'ignore' })
  // Its exit code says that some scenario failed, which is for us to judge.
  await once(child, 'exit')
  const results = await readResults(folder)
  for (const scenario of await extensions(revision)) results.delete(scenario)
  return results
}

/** What is optional: `requirements` of the package say which. */
async function extensions(revision: Revision): Promise<readonly string[]> {
  const file = await readFile(inPackage(`requirements/${revision}.yaml`), 'utf8')
  return Requirements.parse(parse(file))
    .not_scored.filter(({ reason }) => reason === 'extension')
    .map(({ scenario }) => scenario)
}
