import { parseKeyRing } from '../../../../storage/key-ring.ts'
import type { Child } from '../../../../gateway/local/stack/child.ts'
import { createParts, type Parts } from '../../../../gateway/local/stack/parts.ts'
import { openFilledDatabases } from '../../connections-scale/databases.ts'
import { connections_of_org } from '../../connections-scale/fill.ts'
import { measure } from '../../connections-scale/measure.ts'
import type { LocalSystem } from '../../local-system.ts'
import type { Section } from '../write-up/section.ts'
import { fillTrail } from './fill-trail.ts'
import { measurePages } from './pages.ts'
import { connectionsSection } from './connections-section.ts'
import { measureUnseenTokens } from './unseen-tokens.ts'

export interface GrowthOptions {
  /** To 10,000 connections instead of 1,000,000. */
  readonly quick: boolean
  readonly rounds: number
  readonly report: (line: string) => void
  readonly cleanup: Pick<Parts, 'add'>
}

/** Connections that open in each database: as many as the smallest has. */
const real = 1_000
const organizationsOf = (connections: number) => connections / connections_of_org

/** What grows with the number of connections and of organizations, and what does not. */
export async function measureGrowth(
  system: LocalSystem<Child>,
  { cleanup, quick, report, rounds }: GrowthOptions,
): Promise<Section> {
  const sizes = quick ? [real, 10_000] : [real, 100_000, 1_000_000]
  const parts = createParts(report)
  cleanup.add('databases', () => parts.stop())
  try {
    const ring = parseKeyRing(JSON.stringify(system.keys.storage_keys))
    const databases = await openFilledDatabases({ sizes, real, ring, parts, report })
    for (const { connections, store } of databases)
      await fillTrail(store.db, organizationsOf(connections), report)
    const unseen = await measureUnseenTokens(system, databases, { report, rounds })
    report('pages of the console')
    const pages = await measurePages(databases, quick ? 50 : 200)
    report('look-ups, refreshes and revocations')
    const work = await measure(
      databases,
      quick
        ? { validate: 1_000, refresh: 300, revoke: 150 }
        : { validate: 3_000, refresh: 1_000, revoke: 400 },
    )
    const inRounds = (times: readonly (readonly number[])[]) =>
      times.map(each => parted(each, rounds))
    return connectionsSection(
      sizes,
      organizationsOf,
      [
        { what: 'an unseen token at the plugin server', times: unseen, judged: true },
        { what: 'the look-up of a connection', times: inRounds(work.validate), judged: true },
        { what: 'statements of a refresh', times: inRounds(work.refresh), judged: false },
        { what: 'end of a connection', times: inRounds(work.revoke), judged: false },
        {
          what: 'page of 100 members of an organization',
          times: inRounds(pages.members),
          judged: false,
        },
        {
          what: 'page of the audit trail of an organization',
          times: inRounds(pages.audit),
          judged: false,
        },
      ],
      quick
        ? [
            'Whether validation at 1,000,000 connections takes at most 1.2 times as long as at 1,000: --quick leaves them out.',
          ]
        : [],
    )
  } finally {
    await parts.stop()
  }
}

/** In so many parts of the same length, the rest left out. */
function parted(times: readonly number[], parts: number): readonly (readonly number[])[] {
  const length = Math.floor(times.length / parts)
  return Array.from({ length: parts }, (_, index) =>
    times.slice(index * length, (index + 1) * length),
  )
}
