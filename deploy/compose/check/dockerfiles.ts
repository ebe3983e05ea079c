import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DockerfileParser, type From, type Instruction } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'
import type { ComposeFile, ComposeService } from './compose-file.ts'
import { ignores } from './dockerignore.ts'

/** Texts of Dockerfiles by their path from the root. */
export type Dockerfiles = ReadonlyMap<string, string>

export function readDockerfiles(file: ComposeFile, root: string): Dockerfiles {
  const paths = Object.values(file.services).flatMap(({ build }) =>
    build ? [join(build.context, build.dockerfile)] : [],
  )
  return new Map(
    paths
      .filter(path => existsSync(join(root, path)))
      .map(path => [path, readFileSync(join(root, path), 'utf8')]),
  )
}

/** Whether the image that a service is built into looks after its health. */
export function declaresHealthcheck({ build }: ComposeService, dockerfiles: Dockerfiles): boolean {
  const text = build && dockerfiles.get(join(build.context, build.dockerfile))
  return text !== undefined && /^HEALTHCHECK\s+(?!NONE)/m.test(text)
}

/** Every build context, Dockerfile, target and COPY, and what is bad practice in them. */
export function buildProblems(
  { services }: ComposeFile,
  dockerfiles: Dockerfiles,
  root: string,
): readonly string[] {
  const missing = Object.entries(services).flatMap(([name, { build }]) => {
    if (!build) return []
    const path = join(build.context, build.dockerfile)
    if (!existsSync(join(root, build.context)))
      return [`${name}: there is no build context ${build.context}`]
    const text = dockerfiles.get(path)
    if (text === undefined) return [`${name}: there is no Dockerfile ${path}`]
    const stages = stagesOf(text)
    return build.target === undefined || stages.includes(build.target)
      ? []
      : [`${name}: ${path} has no stage ${build.target}, only ${stages.join(', ')}`]
  })
  return [
    ...missing,
    ...[...dockerfiles].flatMap(([path, text]) =>
      lintDockerfile(path, text, root).map(problem => `${path} ${problem}`),
    ),
  ]
}

const stagesOf = (text: string) =>
  DockerfileParser.parse(text)
    .getFROMs()
    .flatMap(from => from.getBuildStage() ?? [])

/** `line N: …` for each thing that is wrong with a Dockerfile whose context is `root`. */
export function lintDockerfile(path: string, text: string, root: string): readonly string[] {
  const dockerfile = DockerfileParser.parse(text)
  const stages = stagesOf(text)
  const ignored = ignores(`${join(root, path)}.dockerignore`)
  const instructions = dockerfile.getInstructions()
  const user = instructions.filter(each => each.getKeyword() === 'USER').at(-1)
  return [
    ...validate(text).map(({ range, message }) => {
      const said = typeof message === 'string' ? message : message.value
      return `line ${range.start.line + 1}: ${said}`
    }),
    ...dockerfile.getFROMs().flatMap(from => told(from, imageProblems(from, stages))),
    ...dockerfile.getCOPYs().flatMap(copy => {
      const flag = copy.getFlags().find(each => each.getName() === 'from')
      const from = flag?.getValue()
      if (from != null)
        return told(copy, stages.includes(from) ? [] : [`there is no stage ${from} to copy from`])
      const sources = copy.getArguments().slice(0, -1)
      return told(
        copy,
        sources.flatMap(source =>
          sourceProblems(source.getValue(), `${path}.dockerignore`, root, ignored),
        ),
      )
    }),
    ...instructions.flatMap(each => told(each, practiceProblems(each))),
    ...(['root', '0', undefined, null].includes(user?.getArgumentsContent())
      ? ['the image runs as root: end with a USER']
      : []),
  ]
}

const told = (instruction: Instruction, problems: readonly string[]) =>
  problems.map(problem => `line ${instruction.getRange().start.line + 1}: ${problem}`)

function sourceProblems(
  source: string,
  dockerignore: string,
  root: string,
  ignored: (path: string, folder: boolean) => boolean,
): string[] {
  if (!existsSync(join(root, source))) return [`there is no ${source} to copy`]
  const out = ignored(source, statSync(join(root, source)).isDirectory())
  return out ? [`${source} is left out by ${dockerignore}`] : []
}

function practiceProblems(instruction: Instruction): string[] {
  const words = (instruction.getArgumentsContent() ?? '').replaceAll('\\\n', ' ')
  switch (instruction.getKeyword()) {
    case 'ADD':
      return ['ADD fetches and unpacks: use COPY']
    case 'RUN':
      return [
        ...(/apt-get install(?![^&|;]*--no-install-recommends)/.test(words)
          ? ['apt-get install without --no-install-recommends']
          : []),
        ...(/\b(?:curl|wget)\b/.test(words) ? ['what is downloaded here is not pinned'] : []),
      ]
    case 'ENV':
    case 'ARG':
      return /PASSWORD|SECRET|TOKEN/i.test(words) ? ['a secret would stay in the image'] : []
    default:
      return []
  }
}

function imageProblems(from: From, stages: readonly string[]): string[] {
  const image = from.getImage() ?? ''
  if (stages.includes(image)) return []
  return /:[\w.-]*\d[\w.-]*$|@sha256:/.test(image) ? [] : [`${image} names no version`]
}
