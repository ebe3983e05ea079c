/** Which hosts may publish client metadata documents. A `*.` in front means every host below. */
export interface HostRules {
  /** When there are any, no other host is asked. */
  readonly allowed: readonly string[]
  readonly denied: readonly string[]
  /** `host` or `host:port`: may have an address of our own network. */
  readonly private: readonly string[]
}

/** Whether the operator wants nothing from a host. Names in lower case. */
export function isUnwanted(hostname: string, { allowed, denied }: HostRules): boolean {
  if (denied.some(pattern => covers(pattern, hostname))) return true
  return allowed.length > 0 && !allowed.some(pattern => covers(pattern, hostname))
}

/** Whether a host may be in our own network, or on a port of its own. */
export function isPrivate({ host }: URL, rules: Pick<HostRules, 'private'>): boolean {
  return rules.private.includes(host)
}

function covers(pattern: string, hostname: string): boolean {
  return pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern
}
