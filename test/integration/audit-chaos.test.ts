import { expect, it } from '@jest/globals'
import { startChild } from '../../gateway/local/stack/child.ts'
import { least_in_flight, runAuditChaos } from '../load/audit-chaos/run.ts'
import { openLocalSystem } from '../load/local-system.ts'

/** A short `npm run chaos:audit`, of a whole system with a PostgreSQL that can be killed. */
it('M04 kill -9 under load leaves no result without its event, no write without its started', async () => {
  const system = await openLocalSystem({ launch: startChild, limits: false, log_files: false })
  try {
    const { kills, sound, text } = await runAuditChaos(system, {
      ...{ kills: 1, at_once: 16, only: '', report: () => undefined },
      signal: AbortSignal.timeout(90_000),
    })
    expect(kills.map(({ victim }) => victim)).toEqual([
      'mcp-server',
      'plugin server: primary',
      'plugin server: a worker',
      'PostgreSQL',
    ])
    for (const { in_flight } of kills) expect(in_flight).toBeGreaterThanOrEqual(least_in_flight)
    expect({ sound, text }).toEqual({ sound: true, text })
  } finally {
    await system.close()
  }
}, 120_000)
