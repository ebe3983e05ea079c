import { join } from 'node:path'
import ts from 'typescript'
import type { KubernetesObject } from './kubernetes-object.ts'

/** Where the model of a kind is: Kubernetes' own, or the Prometheus operator's. */
function moduleOf({ apiVersion, kind }: KubernetesObject): string {
  const base = apiVersion.startsWith('monitoring.coreos.com/')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models'
  return `${base}/${apiVersion}/${kind}`
}

const named = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata.name}`

/** What Kubernetes' own schemas say of the objects. A kind without a schema is a problem. */
export async function schemaProblems(objects: readonly KubernetesObject[]): Promise<string[]> {
  const all = await Promise.all(
    objects.map(async object => {
      const module = (await import(moduleOf(object)).catch(() => undefined)) as
        Record<string, new (data: unknown) => { validate(): void }> | undefined
      const Model = module?.[object.kind]
      if (!Model) return [`${named(object)}: there is no ${object.kind} of ${object.apiVersion}`]
      try {
        new Model(object).validate()
        return []
      } catch (error) {
        return [`${named(object)}: ${error instanceof Error ? error.message : String(error)}`]
      }
    }),
  )
  return all.flat()
}

/** Declarations of packages do not change while we run. */
const declarations = new Map<string, ts.SourceFile | undefined>()

/**
 * Members that no schema knows: the API server would drop them without a word. Kubernetes' schemas
 * allow them, its types do not, so the compiler finds them.
 */
export function unknownMembers(objects: readonly KubernetesObject[], root: string): string[] {
  const file = join(root, 'deploy/kubernetes/checked-objects.ts')
  const text = objects
    .map(
      (object, index) =>
        `import type { I${object.kind} as T${index} } from '${moduleOf(object)}'\n` +
        `export const o${index}: T${index} = ${JSON.stringify(object)}\n`,
    )
    .join('')
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2024,
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: [],
    lib: ['lib.es2024.d.ts'],
  }
  const host = ts.createCompilerHost(options)
  const plain = ts.createCompilerHost(options)
  host.fileExists = path => path === file || plain.fileExists(path)
  host.readFile = path => (path === file ? text : plain.readFile(path))
  host.getSourceFile = (path, ...rest) => {
    if (path === file) return ts.createSourceFile(path, text, ts.ScriptTarget.ES2024)
    const known = declarations.get(path) ?? plain.getSourceFile(path, ...rest)
    declarations.set(path, known)
    return known
  }
  const program = ts.createProgram([file], options, host)
  const source = program.getSourceFile(file)
  if (!source) throw new Error(`the compiler did not read ${file}`)
  return [
    ...program.getSyntacticDiagnostics(source),
    ...program.getSemanticDiagnostics(source),
  ].map(({ messageText, start = 0 }) => {
    const line = text.slice(0, start).split('\n').length
    const object = objects[Math.floor((line - 1) / 2)]
    const said = ts.flattenDiagnosticMessageText(messageText, ' ')
    return `${object ? named(object) : ''}: ${said}`
  })
}
