export const step_names = [
  'discovery',
  'registration',
  'authorize',
  'sign-in',
  'consent',
  'token',
  'tools/list',
  'tools/call whoami',
  'tools/call search_companies',
] as const
export type StepName = (typeof step_names)[number]

export interface Step {
  readonly name: StepName
  readonly ok: boolean
  /** HTTP status of the last answer in this step; absent when there was none. */
  readonly status?: number
  readonly duration_ms: number
  /** What was got. */
  readonly detail: string
  /** What to do about it; with a failed step only. */
  readonly advice?: string
}

export interface Steps {
  /** The next step of the plan is done. Naming another one than the next is a mistake. */
  pass(name: StepName, detail: string): void
  /** The next step of the plan is where it ended. */
  fail(error: unknown): void
  /** Every answer seen on the way. */
  saw(status: number): void
  readonly next: StepName | undefined
  readonly done: readonly Step[]
}

/** Keeps the steps in their order, each timed from the end of the one before. */
export function createSteps(url: string, report: (step: Step) => void, now: () => number): Steps {
  const done: Step[] = []
  let since = now()
  let status: number | undefined
  const next = () => step_names[done.length]

  function add(name: StepName, ok: boolean, detail: string): void {
    const step: Step = {
      name,
      ok,
      ...(status === undefined ? {} : { status }),
      duration_ms: Math.round(now() - since),
      detail,
      ...(ok ? {} : { advice: advice(name, url) }),
    }
    since = now()
    status = undefined
    done.push(step)
    report(step)
  }

  return {
    pass(name, detail) {
      if (name !== next()) throw new Error(`${name} came when ${next() ?? 'nothing'} was next`)
      add(name, true, detail)
    },
    fail(error) {
      const name = next()
      if (name) add(name, false, explain(error))
    },
    saw: seen => void (status = seen),
    get next() {
      return next()
    },
    done,
  }
}

/** An error's own words and those of what caused it: "fetch failed" alone helps nobody. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = (error as NodeJS.ErrnoException).code
  const own = error.message || code || error.name
  const cause = error.cause === undefined ? '' : explain(error.cause)
  return cause && !own.includes(cause) ? `${own} (${cause})` : own
}

function advice(name: StepName, url: string): string {
  switch (name) {
    case 'discovery':
      return `Is the gateway running there? Try: curl -i ${url}/.well-known/oauth-protected-resource/mcp`
    case 'registration':
      return `The gateway must take dynamic registrations at ${url}/register; its log says why it refused.`
    case 'authorize':
      return 'The page or the gateway’s log says what is wrong with the authorization request.'
    case 'sign-in':
      return 'Check --user and --password. Otherwise the page, or the gateway’s log, says why the user may not go on.'
    case 'consent':
      return 'The page, or the gateway’s log, says why it did not accept the answer.'
    case 'token':
      return 'The gateway’s log says why it refused the code.'
    case 'tools/list':
    case 'tools/call whoami':
    case 'tools/call search_companies':
      return 'Is the MCP server up and does it accept the gateway’s identity assertion? See its log.'
  }
}
