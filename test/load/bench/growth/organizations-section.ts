import { median, ratioOf } from '../rounds.ts'
import { atMost, figure, type Section } from '../write-up/section.ts'

/** What so many organizations in the configuration cost, a value for each round. */
export interface OrganizationsFound {
  readonly organizations: number
  /** Milliseconds until an instance with them is there. */
  readonly starts: readonly number[]
  /** Of warm validation. */
  readonly requests_per_second: readonly number[]
  /** Bytes of a plugin server with one instance and those connections in its cache; NaN without /proc. */
  readonly resident: number
}

const goal = 1.2
const spaced = (count: number) => count.toLocaleString('en')

/** What a growing number of organizations in the configuration does to the plugin server. */
export function organizationsSection(found: readonly OrganizationsFound[]): Section {
  const [few, many] = [found[0], found.at(-1)]
  const speed = ({ requests_per_second }: OrganizationsFound) => median(requests_per_second)
  const ratio = ratioOf(many?.requests_per_second ?? [], few?.requests_per_second ?? [])
  const [least, most] = [few?.organizations ?? NaN, many?.organizations ?? NaN].map(spaced)
  return {
    title: `From ${least} organizations in the configuration to ${most}`,
    how:
      `An identity provider that may assert so many organizations, with a value of its claim for each; one worker, ` +
      `16 connections that are never idle, a token that is known. Memory: of the worker and ` +
      `its primary after that. Start: of a further instance in a plugin server that runs, from Kong's command to its answer.`,
    rows: [
      ['organizations', 'requests/s', `of ${least}`, 'memory MB', 'start of an instance, ms'],
      ...found.map(each => [
        spaced(each.organizations),
        Math.round(speed(each)),
        ratioOf(each.requests_per_second, few?.requests_per_second ?? []).toFixed(2),
        figure(each.resident / 1_000_000, 0),
        median(each.starts).toFixed(0),
      ]),
    ],
    goals: [
      atMost(`time of a validation, with ${most} organizations of with ${least}`, goal, 1 / ratio),
    ],
    unmeasured: [],
  }
}
