/** Whose turn it is: users of one organization share what it has. */
export interface Caller {
  readonly user_id: string
  readonly org_id: string
}

/** What begins at the same time. Callers beyond wait, in order within their organization. */
export interface TurnLimits {
  readonly per_user: number
  readonly per_org: number
  /** A call that takes longer than this, in milliseconds, makes room: it waits for something else. */
  readonly longest: number
  /** Callers of one organization that may wait; one more is turned away. */
  readonly most_waiting: number
}

export interface Turns {
  /**
   * Resolves when it is the caller's turn, with what ends it: to be called once the answer is out.
   * Undefined when too many wait already, or `signal` says that nobody waits for the answer any more.
   */
  take(caller: Caller, signal: AbortSignal): Promise<(() => void) | undefined>
  /** How many organizations have calls that run or wait. */
  organizations(): number
  /** How many calls wait. */
  waiting(): number
}

interface Waiting {
  readonly user_id: string
  readonly begin: () => void
}

interface Organization {
  running: number
  readonly users: Map<string, number>
  readonly waiting: Waiting[]
}

/**
 * Keeps a burst of one organization from standing before the calls of all others: a few of its calls
 * begin at a time. A call gives its turn up after `longest`, so tools that take minutes do not add up.
 */
export function createTurns(limits: TurnLimits): Turns {
  const organizations = new Map<string, Organization>()

  /** Lets the first one begin who may. */
  function beginNext(org_id: string, { running, users, waiting }: Organization): void {
    const next = waiting.findIndex(({ user_id }) => (users.get(user_id) ?? 0) < limits.per_user)
    if (running < limits.per_org && next >= 0) waiting.splice(next, 1)[0]?.begin()
    else if (running === 0) organizations.delete(org_id)
  }

  function enter(organization: Organization, { user_id, org_id }: Caller): () => void {
    organization.running += 1
    organization.users.set(user_id, (organization.users.get(user_id) ?? 0) + 1)
    let over = false
    const leave = () => {
      if (over) return
      over = true
      clearTimeout(timer)
      organization.running -= 1
      const left = (organization.users.get(user_id) ?? 1) - 1
      if (left === 0) organization.users.delete(user_id)
      else organization.users.set(user_id, left)
      beginNext(org_id, organization)
    }
    const timer = setTimeout(leave, limits.longest)
    timer.unref()
    return leave
  }

  return {
    async take(caller, signal) {
      const { user_id, org_id } = caller
      const organization: Organization = organizations.get(org_id) ?? {
        running: 0,
        users: new Map(),
        waiting: [],
      }
      organizations.set(org_id, organization)
      const { waiting, users } = organization
      const free =
        organization.running < limits.per_org && (users.get(user_id) ?? 0) < limits.per_user
      if (free) return enter(organization, caller)
      if (waiting.length >= limits.most_waiting || signal.aborted) return undefined
      return new Promise(resolve => {
        const turn = { user_id, begin: () => go(enter(organization, caller)) }
        const go = (result: (() => void) | undefined) => {
          signal.removeEventListener('abort', giveUp)
          resolve(result)
        }
        const giveUp = () => {
          waiting.splice(waiting.indexOf(turn), 1)
          go(undefined)
        }
        waiting.push(turn)
        signal.addEventListener('abort', giveUp, { once: true })
      })
    },
    organizations: () => organizations.size,
    waiting: () =>
      [...organizations.values()].reduce((sum, { waiting }) => sum + waiting.length, 0),
  }
}
