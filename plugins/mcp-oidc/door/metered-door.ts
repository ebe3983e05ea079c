import type { Metrics } from '../metrics.ts'
import type { Door } from './door.ts'

/** A door whose verdicts are timed and counted. That one cannot be reached is for the caller to count. */
export function meteredDoor(door: Door, metrics: Metrics): Door {
  return {
    ...door,
    async judge(credentials) {
      const judged = metrics.validation()
      try {
        const verdict = await door.judge(credentials)
        if (verdict.refused) metrics.request('resource', 'refused', verdict.reason)
        else metrics.request('resource', 'admitted')
        return verdict
      } finally {
        judged()
      }
    },
  }
}
