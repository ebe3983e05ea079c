import { containersOf, deploymentsOf, type KubernetesObject } from './kubernetes-object.ts'

interface Service extends KubernetesObject {
  readonly spec: {
    readonly selector: Record<string, string>
    readonly ports: readonly { readonly name: string; readonly targetPort: string | number }[]
  }
}

/** Names that lead nowhere: of ConfigMaps, Secrets, volumes, ports, pods. */
export function referenceProblems(objects: readonly KubernetesObject[]): readonly string[] {
  const there = (kind: string, name: string) =>
    objects.some(each => each.kind === kind && each.metadata.name === name)
  const deployments = deploymentsOf(objects)
  const problems = deployments.flatMap(deployment => {
    const { name } = deployment.metadata
    const { selector, template } = deployment.spec
    const { volumes = [] } = template.spec
    const wanted = [
      ...volumes.flatMap(({ configMap, secret }) => [
        ...(configMap ? [['ConfigMap', configMap.name] as const] : []),
        ...(secret ? [['Secret', secret.secretName] as const] : []),
      ]),
      ...containersOf(deployment).flatMap(({ envFrom = [] }) =>
        envFrom.flatMap(({ configMapRef, secretRef }) => [
          ...(configMapRef ? [['ConfigMap', configMapRef.name] as const] : []),
          ...(secretRef ? [['Secret', secretRef.name] as const] : []),
        ]),
      ),
    ]
    return [
      ...wanted
        .filter(([kind, target]) => !there(kind, target))
        .map(([kind, target]) => `Deployment ${name}: there is no ${kind} ${target}`),
      ...containersOf(deployment).flatMap(container =>
        (container.volumeMounts ?? [])
          .filter(mount => !volumes.some(volume => volume.name === mount.name))
          .map(mount => `Deployment ${name}: there is no volume ${mount.name}`),
      ),
      ...(matches(selector.matchLabels, template.metadata.labels)
        ? []
        : [`Deployment ${name}: its selector does not find its own pods`]),
    ]
  })
  return [...problems, ...objects.flatMap(object => targetProblems(object, objects))]
}

function targetProblems(
  object: KubernetesObject,
  objects: readonly KubernetesObject[],
): readonly string[] {
  const { kind, metadata } = object
  const deployments = deploymentsOf(objects)
  if (kind === 'Service') {
    const { selector, ports } = (object as Service).spec
    const behind = deployments.find(({ spec }) => matches(selector, spec.template.metadata.labels))
    if (!behind) return [`Service ${metadata.name}: no pod is behind it`]
    const known = containersOf(behind).flatMap(({ ports: own = [] }) => own.map(port => port.name))
    return ports
      .filter(({ targetPort }) => typeof targetPort === 'string' && !known.includes(targetPort))
      .map(({ targetPort }) => `Service ${metadata.name}: no pod has a port ${targetPort}`)
  }
  if (kind === 'PodDisruptionBudget' || kind === 'NetworkPolicy') {
    const spec = object['spec'] as {
      readonly selector?: { readonly matchLabels?: Record<string, string> }
      readonly podSelector?: { readonly matchLabels?: Record<string, string> }
    }
    const labels = (spec.selector ?? spec.podSelector)?.matchLabels ?? {}
    return deployments.some(({ spec: { template } }) => matches(labels, template.metadata.labels))
      ? []
      : [`${kind} ${metadata.name}: it finds no pod`]
  }
  if (kind === 'HorizontalPodAutoscaler') {
    const { scaleTargetRef: target } = object['spec'] as {
      readonly scaleTargetRef: { readonly kind: string; readonly name: string }
    }
    return deployments.some(each => each.metadata.name === target.name)
      ? []
      : [`HorizontalPodAutoscaler ${metadata.name}: there is no ${target.kind} ${target.name}`]
  }
  if (kind === 'ServiceMonitor') {
    const { selector, endpoints } = object['spec'] as {
      readonly selector: { readonly matchLabels: Record<string, string> }
      readonly endpoints: readonly { readonly port: string }[]
    }
    const service = objects.find(
      each => each.kind === 'Service' && matches(selector.matchLabels, each.metadata.labels ?? {}),
    ) as Service | undefined
    if (!service) return [`ServiceMonitor ${metadata.name}: it finds no Service`]
    return endpoints
      .filter(({ port }) => !service.spec.ports.some(({ name }) => name === port))
      .map(({ port }) => `ServiceMonitor ${metadata.name}: the Service has no port ${port}`)
  }
  return []
}

/** Whether these labels are found by this selector. */
export function matches(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value)
}
