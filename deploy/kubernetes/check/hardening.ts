import { containersOf, deploymentsOf, type KubernetesObject } from './kubernetes-object.ts'

/** What no pod may do without: Kubernetes' restricted profile, a read-only file system, probes, sizes. */
export function hardeningProblems(objects: readonly KubernetesObject[]): readonly string[] {
  return deploymentsOf(objects).flatMap(deployment => {
    const { spec } = deployment.spec.template
    const { securityContext: pod = {} } = spec
    const named = `Deployment ${deployment.metadata.name}`
    const containers = containersOf(deployment)
    return [
      ...(pod.runAsNonRoot === true && (pod.runAsUser ?? 0) > 0
        ? []
        : [`${named}: runs as root, or may`]),
      ...(pod.seccompProfile?.type === 'RuntimeDefault'
        ? []
        : [`${named}: has no seccomp profile`]),
      ...(spec.automountServiceAccountToken === false
        ? []
        : [`${named}: is handed a token of the cluster`]),
      ...containers.flatMap(container => {
        const { securityContext: own = {}, resources = {}, image, name } = container
        return [
          ...(own.readOnlyRootFilesystem === true ? [] : ['its file system is not read-only']),
          ...(own.allowPrivilegeEscalation === false ? [] : ['may gain privileges']),
          ...(own.privileged === true ? ['is privileged'] : []),
          ...(own.capabilities?.drop?.includes('ALL') === true && !own.capabilities.add?.length
            ? []
            : ['keeps capabilities']),
          ...(resources.requests && resources.limits ? [] : ['has no requests or no limits']),
          ...(/:[\w.-]*\d[\w.-]*$|@sha256:/.test(image) ? [] : [`${image} names no version`]),
        ].map(problem => `${named}, ${name}: ${problem}`)
      }),
      ...spec.containers
        .filter(
          ({ startupProbe, readinessProbe, livenessProbe }) =>
            !startupProbe || !readinessProbe || !livenessProbe,
        )
        .map(({ name }) => `${named}, ${name}: lacks a probe`),
    ]
  })
}
