import { execFile } from 'node:child_process'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { parseAllDocuments } from 'yaml'
import { makeCertificate } from '../../../deploy/compose/certificate.ts'
import { checkKubernetes, objectProblems } from '../../../deploy/kubernetes/check/check.ts'
import type { KubernetesObject } from '../../../deploy/kubernetes/check/kubernetes-object.ts'
import { resolveKustomization } from '../../../deploy/kubernetes/check/resolve.ts'
import { unknownMembers } from '../../../deploy/kubernetes/check/schemas.ts'
import { initialiseKubernetes } from '../../../deploy/kubernetes/init.ts'
import { type CopiedTree, copyTree } from '../../support/copied-tree.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const now = Date.now()
const options = {
  url: 'https://mcp.acme.example',
  database_url: 'postgresql://gateway:secret@db.internal:5432/gateway',
  now,
}

describe('deploy/kubernetes/production', () => {
  let tree: CopiedTree
  const file = (name: string) => join(tree.root, 'deploy/kubernetes/production/files', name)
  const overlay = () => join(tree.root, 'deploy/kubernetes/production')
  const check = () => checkKubernetes(tree.root, now)
  beforeAll(async () => {
    tree = await copyTree('deploy', 'config')
    await initialiseKubernetes({ root: tree.root, ...options })
    const pair = { certificate: file('tls.crt'), key: file('tls.key') }
    await makeCertificate(pair, 'mcp.acme.example', now)
  })
  afterAll(() => tree.remove())

  it('O05 is refused as long as it has the sign-in of a laptop, and in order with one of a company', async () => {
    expect((await check()).join('\n')).toMatch(/DEV_IDP_CLIENT_SECRET is not set/)
    const text = await readFile(file('kong.yml'), 'utf8')
    await writeFile(
      file('kong.yml'),
      text
        .replace('http://localhost:8400', 'https://acme.okta.com')
        .replace('vault://env/dev-idp-client-secret', 'vault://env/okta-client-secret'),
    )
    const env = await readFile(file('kong.env'), 'utf8')
    await writeFile(file('kong.env'), `${env}OKTA_CLIENT_SECRET=of-okta\n`)
    expect(await check()).toEqual([])
  })

  it('is what kubectl makes of it, where there is a kubectl', async () => {
    const { stdout } = await promisify(execFile)('kubectl', ['kustomize', overlay()]).catch(
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { stdout: undefined }
        throw error
      },
    )
    const own = sorted(await resolveKustomization(overlay()))
    expect(own.length).toBeGreaterThan(20)
    if (stdout === undefined) return
    const theirs = parseAllDocuments(stdout).map(each => each.toJS() as KubernetesObject)
    expect(own).toEqual(sorted(theirs))
  })

  it.each<[string, (objects: KubernetesObject[]) => void, RegExp]>([
    [
      'a value of another type',
      o => set(o, 'Service', 'kong', 'spec.ports.0.port', 'http'),
      /ports\/0\/port must be/,
    ],
    [
      'a Secret that is not there',
      o => remove(o, 'Secret', 'console-environment'),
      /there is no Secret console-environment/,
    ],
    [
      'a port that no pod has',
      o => set(o, 'Service', 'console', 'spec.ports.0.targetPort', 'web'),
      /no pod has a port web/,
    ],
    [
      'a container that may write',
      o =>
        set(
          o,
          'Deployment',
          'console',
          'spec.template.spec.containers.0.securityContext.readOnlyRootFilesystem',
          false,
        ),
      /console: its file system is not read-only/,
    ],
    [
      'a pod that may be root',
      o => set(o, 'Deployment', 'kong', 'spec.template.spec.securityContext.runAsNonRoot', false),
      /runs as root/,
    ],
    [
      'a way around Kong',
      o => set(o, 'NetworkPolicy', 'mcp-server', 'spec.ingress.0.from', undefined),
      /somebody outside reaches mcp-server at 3000/,
    ],
    [
      'a way around Kong from another namespace',
      o => set(o, 'NetworkPolicy', 'console', 'spec.ingress.0.from.0.namespaceSelector', {}),
      /another namespace that calls itself kong reaches console at 3001/,
    ],
    [
      'policies that allow nothing',
      o => remove(o, 'NetworkPolicy', 'kong'),
      /kong does not reach mcp-server at 3000/,
    ],
    [
      'no policies',
      o => {
        for (const name of ['nothing', 'mcp-server']) remove(o, 'NetworkPolicy', name)
      },
      /somebody outside reaches mcp-server at 3000/,
    ],
  ])('O01 finds %s', async (_, change, expected) => {
    const objects = structuredClone(await resolveKustomization(overlay())) as KubernetesObject[]
    change(objects)
    expect((await objectProblems(objects)).join('\n')).toMatch(expected)
  })

  it('O01 finds a member that no schema knows, which the API server would drop', async () => {
    const objects = structuredClone(await resolveKustomization(overlay())) as KubernetesObject[]
    set(objects, 'Deployment', 'kong', 'spec.replica', 3)
    expect(await objectProblems(objects)).toEqual([])
    expect(unknownMembers(objects, root).join('\n')).toMatch(/kong: .*replica"?' does not exist/)
  })

  it('refuses what it does not know of kustomize, and patches that lead nowhere', async () => {
    const kustomization = join(overlay(), 'kustomization.yaml')
    const text = await readFile(kustomization, 'utf8')
    await writeFile(kustomization, `${text}\nnamePrefix: x-\n`)
    await expect(resolveKustomization(overlay())).rejects.toThrow(/namePrefix/)
    await writeFile(kustomization, text.replace('/spec/maxReplicas', '/spec/moreReplicas'))
    await expect(resolveKustomization(overlay())).rejects.toThrow(/there is no moreReplicas/)
    await writeFile(kustomization, text)
  })

  it('O05 finds a certificate without its key, and halves with two secrets', async () => {
    const key = await readFile(file('tls.key'), 'utf8')
    await rm(file('tls.key'))
    expect((await check()).join('\n')).toMatch(/there is no .*tls\.key: put the one of your domain/)
    await writeFile(file('tls.key'), key)
    const env = await readFile(file('console.env'), 'utf8')
    await writeFile(
      file('console.env'),
      env.replace(/^CONSOLE_CLIENT_SECRET=.*$/m, `CONSOLE_CLIENT_SECRET=${'x'.repeat(40)}`),
    )
    expect(await check()).toContain(
      'console.env: CONSOLE_CLIENT_SECRET is another value than in kong.env',
    )
    await writeFile(file('console.env'), env)
  })

  it('is made for its owner alone, and a second time nothing changes', async () => {
    const before = await readFile(file('kong.env'), 'utf8')
    expect((await stat(file('kong.env'))).mode & 0o077).toBe(0)
    expect(await initialiseKubernetes({ root: tree.root, ...options })).toEqual([])
    expect(await readFile(file('kong.env'), 'utf8')).toBe(before)
    await expect(
      initialiseKubernetes({ root: tree.root, ...options, url: 'http://mcp.acme.example' }),
    ).rejects.toThrow('no https origin')
  })
})

/** In one order, with generated names and whoever names them without their digests. */
function sorted(objects: readonly KubernetesObject[]) {
  // kubectl wraps base64.
  const text = JSON.stringify(objects, (_, value: unknown) =>
    typeof value === 'string' && /^[A-Za-z0-9+/=\s]+$/.test(value)
      ? value.replace(/\s/g, '')
      : value,
  ).replace(/((?:gateway-config|\w[\w-]*-environment|gateway-tls))-[a-z0-9]{10}"/g, '$1"')
  const named = ({ kind, metadata }: KubernetesObject) => `${kind}/${metadata.name}`
  return (JSON.parse(text) as KubernetesObject[]).toSorted((a, b) =>
    named(a).localeCompare(named(b)),
  )
}

function find(objects: KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.find(each => each.kind === kind && each.metadata.name.startsWith(name))
  if (!found) throw new Error(`there is no ${kind} ${name}`)
  return found
}

function remove(objects: KubernetesObject[], kind: string, name: string): void {
  objects.splice(objects.indexOf(find(objects, kind, name)), 1)
}

function set(
  objects: KubernetesObject[],
  kind: string,
  name: string,
  path: string,
  value: unknown,
): void {
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  let at = find(objects, kind, name) as unknown as Record<string, unknown>
  for (const key of keys) at = at[key] as Record<string, unknown>
  at[last] = value
}
