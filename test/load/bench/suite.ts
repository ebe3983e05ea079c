import type { Child } from '../../../gateway/local/stack/child.ts'
import type { Parts } from '../../../gateway/local/stack/parts.ts'
import type { LocalSystem } from '../local-system.ts'
import { measureAuthorization } from './authorization.ts'
import { measureGrowth } from './growth/measure-growth.ts'
import { measureOrganizations } from './growth/organizations.ts'
import type { PartName } from './options.ts'
import { measureCosts } from './process-costs.ts'
import { measureFloors } from './protocol-floor.ts'
import { measureRevocation } from './revocation.ts'
import { measureToolCalls } from './tool-calls.ts'
import { measureWorkers } from './workers/measure-workers.ts'
import type { Section } from './write-up/section.ts'

/** What a part of the suite measures with. */
export interface Run {
  readonly quick: boolean
  /** How often legs that are compared take turns. */
  readonly rounds: number
  /** Milliseconds of a leg. */
  readonly duration: number
  readonly url: string | undefined
  readonly report: (line: string) => void
  /** What must not stay when the suite ends, in whatever way. */
  readonly cleanup: Pick<Parts, 'add'>
  /** The whole system, started when the first part asks for it. */
  readonly system: () => Promise<LocalSystem<Child>>
}

export const suite: Readonly<Record<PartName, (run: Run) => Promise<readonly Section[]>>> = {
  floor: async run => measureFloors(await run.system(), run),
  'tool-calls': async ({ quick, system, ...run }) => [
    await measureToolCalls(await system(), { ...run, seconds: quick ? 2 : 5 }),
  ],
  authorization: async ({ quick, report, system }) => {
    const [sign_ins, refreshes] = quick ? [40, 600] : [200, 4_000]
    return measureAuthorization(await system(), { sign_ins, refreshes, report })
  },
  costs: async ({ quick, system, ...run }) =>
    measureCosts(await system(), { ...run, requests: quick ? 50_000 : 1_000_000 }),
  workers: async run => measureWorkers(await run.system(), run),
  revocation: ({ quick, report }) =>
    measureRevocation(
      quick
        ? { connections: 50, cut: 5, replicas: 2, report }
        : { connections: 500, cut: 20, replicas: 3, report },
    ),
  growth: async run => [await measureGrowth(await run.system(), run)],
  organizations: async run => [await measureOrganizations(await run.system(), run)],
}
