import {
  containersOf,
  deploymentsOf,
  type Deployment,
  type KubernetesObject,
} from './kubernetes-object.ts'

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}
interface Rule {
  readonly from?: readonly Peer[]
  readonly to?: readonly Peer[]
  readonly ports?: readonly { readonly port: string | number }[]
}
interface Peer {
  readonly podSelector?: Selector
  readonly namespaceSelector?: Selector
  readonly ipBlock?: object
}
interface NetworkPolicy extends KubernetesObject {
  readonly spec: {
    readonly podSelector: Selector
    readonly policyTypes: readonly ('Ingress' | 'Egress')[]
    readonly ingress?: readonly Rule[]
    readonly egress?: readonly Rule[]
  }
}

/** Somebody who knocks: a pod of ours by its labels, or whoever is in another namespace or outside. */
export interface Caller {
  readonly labels?: Readonly<Record<string, string>>
  /** Of another namespace; our own when there is none. */
  readonly namespace?: string
  readonly outside?: true
}

/**
 * Whether the NetworkPolicies let a caller reach a port of a deployment's pods: somebody's ingress
 * rule must allow it, and, for a pod of ours, an egress rule of theirs. Policies add up.
 */
export function mayReach(
  objects: readonly KubernetesObject[],
  caller: Caller,
  to: Deployment,
  port: number,
): boolean {
  const labels = to.spec.template.metadata.labels
  const policies = objects.filter((each): each is NetworkPolicy => each.kind === 'NetworkPolicy')
  const name = containersOf(to)
    .flatMap(({ ports = [] }) => ports)
    .find(({ containerPort }) => containerPort === port)?.name
  const onPort = ({ ports }: Rule) =>
    !ports || ports.some(each => each.port === port || each.port === name)
  const over = (direction: 'Ingress' | 'Egress', of: Readonly<Record<string, string>>) =>
    policies.filter(
      ({ spec }) => spec.policyTypes.includes(direction) && selects(spec.podSelector, of),
    )
  const incoming = over('Ingress', labels)
  const let_in =
    incoming.length === 0 ||
    incoming.some(({ spec }) =>
      spec.ingress?.some(
        rule => onPort(rule) && (!rule.from || rule.from.some(peer => isPeer(peer, caller))),
      ),
    )
  if (!let_in || !caller.labels || caller.namespace !== undefined) return let_in
  const outgoing = over('Egress', caller.labels)
  return (
    outgoing.length === 0 ||
    outgoing.some(({ spec }) =>
      spec.egress?.some(
        rule => onPort(rule) && (!rule.to || rule.to.some(peer => isPeer(peer, { labels }))),
      ),
    )
  )
}

function isPeer({ podSelector, namespaceSelector, ipBlock }: Peer, caller: Caller): boolean {
  if (ipBlock) return caller.outside === true
  if (caller.outside) return false
  const namespace = { 'kubernetes.io/metadata.name': caller.namespace ?? 'mcp-gateway' }
  if (namespaceSelector ? !selects(namespaceSelector, namespace) : caller.namespace !== undefined)
    return false
  return !podSelector || selects(podSelector, caller.labels ?? {})
}

function selects(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator !== 'In') throw new Error(`the operator ${operator} is not known here`)
      return values.includes(labels[key] ?? '')
    })
  )
}

const named = (objects: readonly KubernetesObject[], name: string) =>
  deploymentsOf(objects).find(each => each.metadata.name === name)

/** Who may reach what, against who should: Kong alone calls the MCP server and the console. */
export function reachProblems(objects: readonly KubernetesObject[]): readonly string[] {
  const pod = (name: string): Caller => ({ labels: { 'app.kubernetes.io/name': name } })
  const callers: Readonly<Record<string, Caller>> = {
    kong: pod('kong'),
    'mcp-server': pod('mcp-server'),
    console: pod('console'),
    'another pod': pod('other'),
    'a pod of another namespace that calls itself kong': { ...pod('kong'), namespace: 'default' },
    prometheus: { ...pod('prometheus'), namespace: 'monitoring' },
    'somebody outside': { outside: true },
  }
  const wanted: Readonly<Record<string, Readonly<Record<number, readonly string[]>>>> = {
    kong: {
      8000: ['mcp-server', 'console'],
      8100: ['prometheus'],
      9464: ['prometheus'],
    },
    'mcp-server': { 3000: ['kong'], 9465: ['prometheus'] },
    console: { 3001: ['kong'], 9466: ['prometheus'] },
  }
  const problems = Object.entries(wanted).flatMap(([name, ports]) => {
    const deployment = named(objects, name)
    if (!deployment) return [`there is no Deployment ${name}`]
    return Object.entries(ports).flatMap(([port, expected]) =>
      Object.entries(callers).flatMap(([who, caller]) => {
        const may = mayReach(objects, caller, deployment, Number(port))
        if (may === expected.includes(who)) return []
        return [`${who} ${may ? 'reaches' : 'does not reach'} ${name} at ${port}`]
      }),
    )
  })
  const kong = named(objects, 'kong')
  if (kong && !mayReach(objects, { outside: true }, kong, 8443))
    problems.push('nobody outside reaches kong at 8443')
  return problems
}
