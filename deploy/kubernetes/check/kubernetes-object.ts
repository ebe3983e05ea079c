/** An object as a manifest has it, before anything is known of its kind. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    name: string
    namespace?: string
    labels?: Record<string, string>
  }
  readonly [member: string]: unknown
}

export interface Container {
  readonly name: string
  image: string
  readonly command?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
  readonly envFrom?: readonly {
    readonly secretRef?: { name: string }
    readonly configMapRef?: { name: string }
  }[]
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
  readonly resources?: { readonly requests?: object; readonly limits?: object }
  readonly securityContext?: {
    readonly allowPrivilegeEscalation?: boolean
    readonly readOnlyRootFilesystem?: boolean
    readonly privileged?: boolean
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] }
  }
  readonly startupProbe?: object
  readonly readinessProbe?: object
  readonly livenessProbe?: object
}

export interface PodSpec {
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes?: readonly {
    readonly name: string
    readonly configMap?: { name: string }
    readonly secret?: { secretName: string }
  }[]
  readonly automountServiceAccountToken?: boolean
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean
    readonly runAsUser?: number
    readonly seccompProfile?: { readonly type: string }
  }
}

export interface Deployment extends KubernetesObject {
  readonly spec: {
    readonly selector: { readonly matchLabels: Record<string, string> }
    readonly template: {
      readonly metadata: { readonly labels: Record<string, string> }
      readonly spec: PodSpec
    }
  }
}

export function deploymentsOf(objects: readonly KubernetesObject[]): readonly Deployment[] {
  return objects.filter((each): each is Deployment => each.kind === 'Deployment')
}

export function containersOf({ spec }: Deployment): readonly Container[] {
  const { containers, initContainers = [] } = spec.template.spec
  return [...initContainers, ...containers]
}
