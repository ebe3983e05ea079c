import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { ConfigurationError, loadConfiguration } from './configuration.ts'
import type { Configuration } from './configuration.ts'
import { createGeneration } from './generation.ts'
import type { Generation } from './generation.ts'
import type { Instances } from './instances.ts'
import { readKeyPair } from './key-pair.ts'
import type { KeyPair, TlsOptions } from './key-pair.ts'
import type { Surroundings } from './plugin-entity.ts'
import { unreachableParts } from './unreachable.ts'

export interface Loaded {
  readonly configuration: Configuration
  readonly generation: Generation
  readonly key_pair: KeyPair | undefined
  /** Digest of the file. */
  readonly hash: string
}

/**
 * Reads the configuration file and the certificate and starts the plugins that are not at work yet.
 * Throws ConfigurationError with every problem, and leaves nothing behind then.
 */
export async function loadGeneration(
  options: {
    readonly config_file: string
    readonly tls: TlsOptions | undefined
    readonly enforce_guards: boolean
  },
  surroundings: Surroundings,
  instances: Instances,
): Promise<Loaded> {
  const { config_file, enforce_guards, tls } = options
  const [read, pair] = await Promise.all([
    readConfiguration(config_file, surroundings),
    tls ? readKeyPair(tls) : undefined,
  ])
  const failed = [read, pair].flatMap(each => (each && 'problems' in each ? each.problems : []))
  if ('problems' in read || (pair && 'problems' in pair)) {
    const { environment } = surroundings
    const unreachable = read.text === undefined ? [] : unreachableParts(read.text, environment)
    throw new ConfigurationError([...failed, ...(await unreachable)])
  }

  const { configuration, hash } = read
  const generation = createGeneration(configuration, instances, { enforce_guards })
  const problems = await generation.problems()
  if (problems.length > 0) {
    await generation.retire()
    throw new ConfigurationError(problems)
  }
  return { configuration, generation, key_pair: pair, hash }
}

async function readConfiguration(file: string, surroundings: Surroundings) {
  let text: string | undefined
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    return { text, problems: [`--config ${file} cannot be read: ${(error as Error).message}`] }
  }
  try {
    const hash = createHash('md5').update(text).digest('hex')
    return { text, configuration: loadConfiguration(text, surroundings), hash }
  } catch (error) {
    if (error instanceof ConfigurationError) return { text, problems: error.problems }
    throw error
  }
}
