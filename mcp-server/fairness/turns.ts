/** Whose turn it is: users of one organization share what it has. */
export interface Caller {
  readonly user_id: string
  readonly org_id: string
}

/** How many calls begin at the same time. */
export interface Share {
  readonly per_user: number
  readonly per_org: number
}

/** Callers beyond their share wait, in order within their organization. */
export interface TurnLimits extends Share {
  /** In its place for an organization that nobody shares the server with at the moment. */
  readonly alone: Share
  /** Who calls is alone when nobody else has called for so long, milliseconds. */
  readonly quiet: number
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
  readonly callers: LastCallers
  readonly users: Map<string, number>
  readonly waiting: Waiting[]
}

/** Who called last, and when anybody else did. */
class LastCallers {
  #last: string | undefined
  #last_at = -Infinity
  #others_at = -Infinity

  note(id: string, at: number): void {
    if (id !== this.#last) this.#others_at = this.#last_at
    this.#last = id
    this.#last_at = at
  }

  /** When somebody else than `id` called last; -Infinity when nobody did. */
  othersAt(id: string): number {
    return id === this.#last ? this.#others_at : this.#last_at
  }
}

/**
 * Keeps a burst of one organization from standing before the calls of all others: a few of its calls
 * begin at a time, and more of them while there are no others. Within it the same holds for each
 * user. A call gives its turn up after `longest`, so tools that take minutes do not add up. `clock` gives
 * milliseconds, of which only differences are used.
 */
export function createTurns(limits: TurnLimits, clock: () => number): Turns {
  const organizations = new Map<string, Organization>()
  const callers = new LastCallers()

  function shareOf(org_id: string): Share {
    const alone = organizations.size === 1 && isQuiet(callers.othersAt(org_id))
    return alone ? limits.alone : limits
  }

  function mayBegin(share: Share, { callers, running, users }: Organization, user_id: string) {
    const has_all = share === limits.alone && isQuiet(callers.othersAt(user_id))
    const most = has_all ? share.per_org : share.per_user
    return running < share.per_org && (users.get(user_id) ?? 0) < most
  }

  const isQuiet = (since: number) => clock() - since > limits.quiet

  /** Lets those begin who may, in their order. */
  function beginNext(org_id: string, organization: Organization): void {
    const { waiting } = organization
    const share = shareOf(org_id)
    while (organization.running < share.per_org) {
      const next = waiting.findIndex(({ user_id }) => mayBegin(share, organization, user_id))
      if (next < 0) break
      waiting.splice(next, 1)[0]?.begin()
    }
    if (organization.running === 0) organizations.delete(org_id)
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
        callers: new LastCallers(),
        users: new Map(),
        waiting: [],
      }
      organizations.set(org_id, organization)
      const { waiting } = organization
      callers.note(org_id, clock())
      organization.callers.note(user_id, clock())
      if (mayBegin(shareOf(org_id), organization, user_id)) return enter(organization, caller)
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
