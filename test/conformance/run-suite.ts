import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const program = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'),
)
const Checks = z.array(
  z.looseObject({ id: z.string(), status: z.string(), errorMessage: z.string().nullish() }),
)

/** A scenario's failed checks, in words; none: it passed. */
export type Results = ReadonlyMap<string, readonly string[]>

/** Runs every server scenario of the official suite against a URL. Throws when it says nothing. */
export async function runSuite(url: string, folder: string): Promise<Results> {
  await mkdir(folder, { recursive: true })
  const child = spawn(
    process.execPath,
    [program, 'server', '--url', url, '--suite', 'all', '--output-dir', folder],
    { stdio: 'ignore' },
  )
  // Its exit code says that some scenario failed, which is for us to judge.
  await once(child, 'exit')
  const results = new Map<string, readonly string[]>()
  for (const entry of (await readdir(folder)).sort()) {
    const scenario = /^server-(.+?)-\d{4}-\d\d-\d\dT/.exec(entry)?.[1]
    if (scenario === undefined) continue
    const checks = Checks.parse(
      JSON.parse(await readFile(join(folder, entry, 'checks.json'), 'utf8')),
    )
    const failed = checks.filter(({ status }) => status === 'FAILURE')
    results.set(
      scenario,
      failed.map(({ id, errorMessage }) => `${id}: ${errorMessage ?? 'failed'}`),
    )
  }
  if (results.size === 0) throw new Error(`the suite left no results in ${folder}`)
  return results
}
