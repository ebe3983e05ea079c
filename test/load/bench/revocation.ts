import {
  type LagOptions,
  lag_goals,
  type Lags,
  measureLags,
  most_lag,
} from '../revocation/measure.ts'
import { percentile } from '../table.ts'
import { atMost, type Section } from './write-up/section.ts'

/** How soon a revocation is felt, as `npm run load:revocation` has it. */
export async function measureRevocation(options: LagOptions): Promise<readonly Section[]> {
  return [revocationSection(options, await measureLags(options))]
}

/** What was found of them, in words. */
export function revocationSection(
  { connections, cut, replicas }: Pick<LagOptions, 'connections' | 'cut' | 'replicas'>,
  { cut_off, listening }: Lags,
): Section {
  const legs = [
    { name: 'while they listen', lags: listening },
    { name: 'while they are cut off', lags: cut_off },
  ]
  const shown = (lag: number) => {
    if (lag === Infinity) return `over ${most_lag}`
    return lag < 10 ? lag.toFixed(1) : lag.toFixed(0)
  }
  const endless = [...listening, ...cut_off].filter(lag => lag === Infinity).length
  const at = (lags: readonly number[], share: number) => percentile(lags, share)
  return {
    title: 'How soon a revocation is felt',
    how:
      `${replicas} gateways with a plugin server each, on one database, all of which know every connection. From the ` +
      `end of a connection until the last gateway's last request with its token that was let in, asked without a ` +
      `pause of more than 2 ms. ${connections} connections end one after the other while the plugin servers listen to ` +
      `PostgreSQL; then ${cut} at once while the sessions in which they listen are cut off without a word.`,
    rows: [
      ['gateways', 'measured', 'p50 ms', 'p99 ms', 'largest ms'],
      ...legs.map(({ lags, name }) => [
        name,
        lags.length,
        ...[0.5, 0.99, 1].map(share => shown(at(lags, share))),
      ]),
    ],
    goals:
      endless > 0
        ? []
        : [
            atMost('p99 while they listen, ms', lag_goals.listening, at(listening, 0.99)),
            atMost('the longest while they are cut off, ms', lag_goals.cut_off, at(cut_off, 1)),
          ],
    unmeasured:
      endless > 0
        ? [
            `How long ${endless} of them took: their token was still let in after ${most_lag} ms. The goals are missed.`,
          ]
        : [],
    plots:
      endless > 0
        ? []
        : [
            {
              name: 'revocation-lag',
              title: 'How long a token is let in after its connection ended',
              unit: 'ms',
              bars: [0.5, 0.99].map(share => ({
                label: `p${share * 100}, while they listen`,
                value: at(listening, share),
                text: shown(at(listening, share)),
              })),
              goal: { text: `${lag_goals.listening} ms`, value: lag_goals.listening },
            },
          ],
  }
}
