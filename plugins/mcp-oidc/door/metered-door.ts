import type { Metrics } from '../metrics.ts'
import type { Door, Verdict } from './door.ts'

/** A door whose verdicts are timed and counted. That one cannot be reached is for the caller to count. */
export function meteredDoor(door: Door, metrics: Pick<Metrics, 'request' | 'validation'>): Door {
  function count(verdict: Verdict): Verdict {
    if (verdict.refused) metrics.request('resource', 'refused', verdict.reason)
    else metrics.request('resource', 'admitted')
    return verdict
  }

  async function countLater(judging: Promise<Verdict>, began: number): Promise<Verdict> {
    try {
      return count(await judging)
    } finally {
      metrics.validation(performance.now() - began)
    }
  }

  return {
    ...door,
    judge(credentials) {
      const began = performance.now()
      const verdict = door.judge(credentials)
      if (verdict instanceof Promise) return countLater(verdict, began)
      metrics.validation(performance.now() - began)
      return count(verdict)
    },
  }
}
