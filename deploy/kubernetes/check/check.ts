import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnvironment as consoleEnvironment } from '../../../console/environment.ts'
import { parseEnvironment as mcpEnvironment } from '../../../mcp-server/environment.ts'
import { certificateProblems } from '../../compose/certificate.ts'
import { kongProblems } from '../../compose/check/parts.ts'
import { readEnvironment } from '../../compose/environment-file.ts'
import { filesOf } from '../init.ts'
import { hardeningProblems } from './hardening.ts'
import { containersOf, deploymentsOf, type KubernetesObject } from './kubernetes-object.ts'
import { reachProblems } from './reach.ts'
import { referenceProblems } from './references.ts'
import { resolveKustomization } from './resolve.ts'
import { schemaProblems, unknownMembers } from './schemas.ts'

/** What is wrong with the objects themselves, whatever the secrets are. */
export async function objectProblems(
  objects: readonly KubernetesObject[],
): Promise<readonly string[]> {
  return [
    ...(await schemaProblems(objects)),
    ...referenceProblems(objects),
    ...hardeningProblems(objects),
    ...reachProblems(objects),
  ]
}

/** Everything that is wrong with the production overlay and its files. `now` in milliseconds. */
export async function checkKubernetes(root: string, now: number): Promise<readonly string[]> {
  const folder = filesOf(root)
  const missing = [
    ...['kong.yml', 'permissions.yml', 'kong.env', 'mcp-server.env', 'console.env'].map(
      file => [file, 'run npm run kubernetes:init'] as const,
    ),
    ...['tls.crt', 'tls.key'].map(file => [file, 'put the one of your domain there'] as const),
  ].flatMap(([file, remedy]) =>
    existsSync(join(folder, file)) ? [] : [`there is no ${join(folder, file)}: ${remedy}`],
  )
  if (missing.length > 0) return missing
  const objects = await resolveKustomization(join(root, 'deploy/kubernetes/production'))
  const read = (file: string) => readFileSync(join(folder, file), 'utf8')
  const kong = readEnvironment(read('kong.env'))
  const host = URL.parse(kong['GATEWAY_URL'] ?? '')?.hostname ?? ''
  return [
    ...(await objectProblems(objects)),
    ...unknownMembers(objects, root),
    ...kongProblems(read('kong.yml'), kong),
    ...partProblems(objects, 'mcp-server', mcpEnvironment, read('mcp-server.env')),
    ...partProblems(objects, 'console', consoleEnvironment, read('console.env')),
    ...differences(kong, readEnvironment(read('mcp-server.env')), 'mcp-server.env'),
    ...differences(kong, readEnvironment(read('console.env')), 'console.env'),
    ...(await certificateProblems(
      { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key') },
      host,
      now,
    )),
  ]
}

function partProblems(
  objects: readonly KubernetesObject[],
  name: string,
  parse: (environment: Record<string, string>) => unknown,
  secrets: string,
): readonly string[] {
  const deployment = deploymentsOf(objects).find(({ metadata }) => metadata.name === name)
  if (!deployment) return []
  const own = containersOf(deployment).flatMap(({ env = [] }) =>
    env.map(each => [each.name, each.value ?? '']),
  )
  try {
    parse({ ...readEnvironment(secrets), ...(Object.fromEntries(own) as Record<string, string>) })
    return []
  } catch (error) {
    const lines = (error instanceof Error ? error.message : String(error)).split('\n')
    return lines.slice(1).map(line => `${name}: ${line.trim()}`)
  }
}

/** The same name is the same value everywhere: two halves with two secrets do not understand each other. */
function differences(
  kong: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
  file: string,
): readonly string[] {
  return Object.entries(other)
    .filter(([name, value]) => kong[name] !== undefined && kong[name] !== value)
    .map(([name]) => `${file}: ${name} is another value than in kong.env`)
}
