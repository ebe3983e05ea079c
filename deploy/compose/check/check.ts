import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { certificateProblems } from '../certificate.ts'
import { readEnvironment } from '../environment-file.ts'
import { files } from '../init.ts'
import { readComposeFile, type ComposeFile } from './compose-file.ts'
import { buildProblems, readDockerfiles } from './dockerfiles.ts'
import { hardeningProblems, isolationProblems } from './hardening.ts'
import { partProblems } from './parts.ts'
import { referenceProblems, volumesOf } from './references.ts'

/** Everything that is wrong with docker-compose.yml, .env and what they name, as sentences. */
export async function checkCompose(root: string, now: number): Promise<readonly string[]> {
  const { environment, certificate, key } = files(root)
  const there = existsSync(environment)
  const text = there ? readFileSync(environment, 'utf8') : ''
  const env = readEnvironment(text)
  const problems = there
    ? environmentProblems(environment, text)
    : ['there is no .env: run npm run compose:init']
  const compose = readComposeFile(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), env)
  if (there) problems.push(...compose.problems)
  const { file, raw } = compose
  if (!file || !raw) return problems
  const dockerfiles = readDockerfiles(file, root)
  problems.push(
    ...referenceProblems(file, dockerfiles),
    ...hardeningProblems(file, raw),
    ...isolationProblems(file),
    ...fileProblems(file, root),
    ...buildProblems(file, dockerfiles, root),
  )
  if (!there) return problems
  problems.push(...partProblems(file, env, root))
  const host = URL.parse(env['GATEWAY_URL'] ?? '')?.hostname
  if (host !== undefined)
    problems.push(...(await certificateProblems({ certificate, key }, host, now)))
  return problems
}

function environmentProblems(file: string, text: string): string[] {
  const open = (statSync(file).mode & 0o077) !== 0
  const names = [...text.matchAll(/^\s*(?:export\s+)?(\w+)\s*=/gm)].map(([, name = '']) => name)
  const twice = names.filter((name, index) => names.indexOf(name) !== index)
  // Docker puts variables into values that have no single quotes around them, and Node does not.
  const dollars = [...text.matchAll(/^\s*(\w+)\s*=(?!\s*')(.*\$.*)$/gm)].map(
    ([, name = '']) => name,
  )
  return [
    ...(open ? ['.env can be read by others: chmod 600 .env'] : []),
    ...twice.map(name => `.env says ${name} twice`),
    ...dollars.map(name => `.env: ${name} has a $ in it; put the value between single quotes`),
  ]
}

/** What is mounted from this folder is there: Docker would make an empty folder of what is not. */
function fileProblems({ services }: ComposeFile, root: string): string[] {
  return Object.entries(services).flatMap(([name, service]) =>
    volumesOf(service)
      .filter(({ kind, source }) => kind === 'bind' && !existsSync(join(root, source)))
      .map(({ source }) =>
        source.includes('/tls/')
          ? `${name}: there is no ${source}: run npm run compose:init, or put your own there`
          : `${name}: there is no ${source} to mount`,
      ),
  )
}
