import { Counter, Histogram, Registry } from 'prom-client'

/** No label is chosen by a browser, and none names a person. */
export interface Metrics {
  readonly registry: Registry
  /** Begins a request; the function it gives ends it with its status, and gives the seconds it took. */
  request(): (status: number) => number
}

/** Seconds: from a page to an export of the whole trail. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'console_requests_total',
    help: 'Requests to the console by status.',
    labelNames: ['status'],
    registers,
  })
  const seconds = new Histogram({
    name: 'console_request_seconds',
    help: 'Time from a request to the end of its answer.',
    buckets,
    registers,
  })
  return {
    registry,
    request() {
      const ended = seconds.startTimer()
      return status => {
        requests.inc({ status: String(status) })
        return ended()
      }
    },
  }
}
