import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { containersOf, deploymentsOf, type KubernetesObject } from './kubernetes-object.ts'
import { patchObject } from './json-patch.ts'

const Generator = z.strictObject({
  name: z.string(),
  type: z.string().optional(),
  files: z.array(z.string()).default([]),
  envs: z.array(z.string()).default([]),
})
/** Of kustomize what ours use: anything else is refused, not left out. */
const Kustomization = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
  kind: z.literal('Kustomization'),
  namespace: z.string().optional(),
  labels: z.array(z.strictObject({ pairs: z.record(z.string(), z.string()) })).default([]),
  resources: z.array(z.string()).default([]),
  configMapGenerator: z.array(Generator).default([]),
  secretGenerator: z.array(Generator).default([]),
  images: z
    .array(z.strictObject({ name: z.string(), newName: z.string(), newTag: z.string() }))
    .default([]),
  patches: z
    .array(
      z.strictObject({
        target: z.strictObject({ kind: z.string(), name: z.string() }),
        patch: z.string(),
      }),
    )
    .default([]),
})
type Kustomization = z.output<typeof Kustomization>

/**
 * What `kubectl kustomize` makes of a folder, as far as our kustomizations need it, without kubectl.
 * Generated names end in a digest of their content, as kustomize's do, though it is another digest.
 */
export async function resolveKustomization(folder: string): Promise<readonly KubernetesObject[]> {
  const text = await readFile(join(folder, 'kustomization.yaml'), 'utf8')
  const kustomization = Kustomization.parse(parse(text))
  const objects: KubernetesObject[] = []
  for (const resource of kustomization.resources) {
    const path = join(folder, resource)
    objects.push(
      ...(/\.ya?ml$/.test(resource) ? await readObjects(path) : await resolveKustomization(path)),
    )
  }
  const generated = await Promise.all([
    ...kustomization.configMapGenerator.map(each => generate(folder, 'ConfigMap', each)),
    ...kustomization.secretGenerator.map(each => generate(folder, 'Secret', each)),
  ])
  rename(objects, generated)
  objects.push(...generated.map(({ object }) => object))
  return objects.map(object => transform(object, kustomization))
}

async function readObjects(path: string): Promise<readonly KubernetesObject[]> {
  const documents = parseAllDocuments(await readFile(path, 'utf8'))
  if (!Array.isArray(documents)) return []
  return documents.map(document => {
    if (document.errors.length > 0) throw new Error(`${path}: ${document.errors.join('; ')}`)
    return document.toJS() as KubernetesObject
  })
}

interface Generated {
  /** As the manifests call it. */
  readonly name: string
  readonly object: KubernetesObject
}

async function generate(
  folder: string,
  kind: 'ConfigMap' | 'Secret',
  { name, type, files, envs }: z.output<typeof Generator>,
): Promise<Generated> {
  const data: Record<string, string> = {}
  for (const file of files) data[basename(file)] = await readFile(join(folder, file), 'utf8')
  for (const file of envs)
    for (const line of (await readFile(join(folder, file), 'utf8')).split('\n')) {
      const [, key, value = ''] = /^([^#=\s]+)=(.*)$/.exec(line.trim()) ?? []
      if (key !== undefined) data[key] = value
    }
  if (kind === 'Secret')
    for (const [key, value] of Object.entries(data))
      data[key] = Buffer.from(value).toString('base64')
  const digest = createHash('sha256')
    .update(JSON.stringify([kind, name, data]))
    .digest('hex')
  return {
    name,
    object: {
      apiVersion: 'v1',
      kind,
      metadata: { name: `${name}-${digest.slice(0, 10)}` },
      data,
      ...(kind === 'Secret' && { type: type ?? 'Opaque' }),
    },
  }
}

/** Whoever names a generated object names it as it is called now. */
function rename(objects: readonly KubernetesObject[], generated: readonly Generated[]): void {
  const called = (kind: string, name: string) =>
    generated.find(each => each.object.kind === kind && each.name === name)?.object.metadata.name ??
    name
  for (const deployment of deploymentsOf(objects)) {
    for (const { configMap, secret } of deployment.spec.template.spec.volumes ?? []) {
      if (configMap) configMap.name = called('ConfigMap', configMap.name)
      if (secret) secret.secretName = called('Secret', secret.secretName)
    }
    for (const { envFrom = [] } of containersOf(deployment))
      for (const { configMapRef, secretRef } of envFrom) {
        if (configMapRef) configMapRef.name = called('ConfigMap', configMapRef.name)
        if (secretRef) secretRef.name = called('Secret', secretRef.name)
      }
  }
}

function transform(
  object: KubernetesObject,
  { namespace, labels, images, patches }: Kustomization,
): KubernetesObject {
  const { metadata, kind } = object
  if (namespace !== undefined && kind !== 'Namespace') metadata.namespace = namespace
  for (const { pairs } of labels) metadata.labels = { ...metadata.labels, ...pairs }
  for (const deployment of deploymentsOf([object]))
    for (const container of containersOf(deployment)) {
      const image = images.find(({ name }) => name === container.image)
      if (image) container.image = `${image.newName}:${image.newTag}`
    }
  return patches
    .filter(({ target }) => target.kind === kind && target.name === metadata.name)
    .reduce((patched, { patch }) => patchObject(patched, parse(patch)), object)
}
