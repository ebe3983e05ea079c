import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Child } from '../../../gateway/local/stack/child.ts'
import { openDatabase } from '../../../storage/database.ts'
import { signInPeople } from '../chaos/people.ts'
import type { LocalSystem } from '../local-system.ts'
import { type Calls, startCallers } from './callers.ts'
import { type Kill, type Report, reportOf } from './report.ts'
import { type Victim, victimsOf } from './victims.ts'
import { verify } from './verify.ts'

export interface AuditChaosOptions {
  /** How often each victim is killed. */
  readonly kills: number
  /** Calls under way at any time. */
  readonly at_once: number
  /** Only victims whose name contains it. */
  readonly only: string
  readonly signal: AbortSignal
  readonly report: (line: string) => void
}

/** A kill counts only when so many calls are on their way. */
export const least_in_flight = 10
/** Milliseconds. */
const recovery_limit = 30_000

/** carol may not write: what she hears is a result too. */
const emails = ['alice@acme.example', 'bob@acme.example', 'carol@globex.example']

/** Kills one victim after the other under load, again and again, and compares results with the trail. */
export async function runAuditChaos(
  system: LocalSystem<Child>,
  { at_once, kills, only, report, signal }: AuditChaosOptions,
): Promise<Report> {
  const victims = victimsOf(system).filter(({ name }) => name.includes(only))
  if (victims.length === 0) throw new TypeError(`no victim has a name with “${only}” in it`)
  const people = await signInPeople(system.url, emails)
  const callers = startCallers({
    ...{ url: system.url, at_once, company_id: await someCompany(system.database_url) },
    token: caller => people.all[caller % people.all.length]?.access_token ?? '',
  })
  const done: Kill[] = []
  try {
    for (let time = 1; time <= kills; time += 1) {
      for (const victim of victims) {
        const round = done.length + 1
        callers.enter(round)
        await people.refresh()
        await untilBusy(callers.calls, round, signal)
        done.push(await killOnce(victim, round, callers.calls, signal))
      }
      report(`${done.length} kills of ${kills * victims.length}`)
    }
  } finally {
    await callers.stop()
  }
  return reportOf(done, callers.calls, await verify(system.database_url, callers.calls))
}

async function killOnce(victim: Victim, round: number, calls: Calls, signal: AbortSignal) {
  const in_flight = calls.in_flight.size
  const killed = performance.now()
  await victim.kill()
  const dead = performance.now()
  const restored = victim.restore()
  // It is waited for below; until then a failure is only remembered.
  restored.catch(() => undefined)
  while (calls.latest_write <= dead) {
    if (performance.now() - killed > recovery_limit) {
      await restored
      throw new Error(`${victim.name}: nothing was written ${recovery_limit / 1000} s after a kill`)
    }
    await pause(1, undefined, { signal })
  }
  const recovery = performance.now() - killed
  await restored
  return { round, victim: victim.name, in_flight, recovery }
}

/** Until results come again, calls enough are in flight, and a little later each time: never in step. */
async function untilBusy({ answered, in_flight }: Calls, round: number, signal: AbortSignal) {
  const before = answered.size
  while (answered.size < before + 50 + 7 * (round % 13) || in_flight.size < least_in_flight)
    await pause(1, undefined, { signal })
}

/** Visible to every organization. */
async function someCompany(url: string): Promise<string> {
  const db = openDatabase(url, { max: 1 })
  try {
    const { rows } = await sql<{ id: string }>`
      select id from product.companies where org_id is null limit 1`.execute(db)
    if (!rows[0]) throw new Error('there is no company that everybody sees')
    return rows[0].id
  } finally {
    await db.destroy()
  }
}
