import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { startPostgres } from '../../gateway/local/postgres.ts'
import { createParts } from '../../gateway/local/stack/parts.ts'
import { openDatabase } from '../../storage/database.ts'
import { type Leg, type Run, runLeg, startLeg } from './audit/measure.ts'
import type { Variant } from './audit/serve.ts'
import { percentile, table } from './table.ts'
import { runScript, untilInterrupted } from './run-script.ts'
import { wholeNumber } from './whole-number.ts'

const usage = `Usage: npm run load:audit -- [--callers N] [--orgs N] [--seconds N] [--rounds N] [--ratio N]

Calls a tool that does next to nothing, as many times a second as are answered, of three servers that
take turns, with a PostgreSQL of its own that waits for the disk:

  durable  mcp-server: no answer leaves before its event is on disk
  off      the same without an audit trail, which no setting gives
  plain    a server of the SDK alone: no identity, no permissions, no trail

  --callers N  calls at the same time (16)
  --orgs N     organizations that the callers are of (16); of several, mcp-server begins four calls of each at a time
  --seconds N  of a measurement (5; at most 50)
  --rounds N   how often each is measured (5); the median counts
  --ratio N    percent of off that durable has to reach (70)
  --help       print this, and end

Ends with 1 when durable is below, or when a call is not on record.
`
const variants = ['durable', 'off', 'plain'] as const satisfies readonly Variant[]
const interrupted = untilInterrupted()

function options() {
  const { values } = parseArgs({
    options: {
      callers: { type: 'string', default: '16' },
      orgs: { type: 'string', default: '16' },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '5' },
      ratio: { type: 'string', default: '70' },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    help: values.help,
    callers: wholeNumber('callers', values.callers, 1, 1_000),
    orgs: wholeNumber('orgs', values.orgs, 1, 1_000),
    // An assertion lives for a minute.
    seconds: wholeNumber('seconds', values.seconds, 1, 50),
    rounds: wholeNumber('rounds', values.rounds, 1, 100),
    ratio: wholeNumber('ratio', values.ratio, 1, 100) / 100,
  }
}

const issuer = 'http://gateway.test'

async function createSigner() {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'load', alg: 'ES256', use: 'sig' }
  const sign = (caller: number, org: number) =>
    new SignJWT({
      ...{ org_id: `org-${org}`, email: `user-${caller}@org-${org}.example`, roles: [] },
      ...{ scope: 'mcp:tools', client_id: 'load', sid: `con_${caller}` },
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'gateway-identity+jwt', kid: 'load' })
      .setIssuer(issuer)
      .setAudience('mcp-server')
      .setSubject(`usr_${caller}`)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(privateKey)
  return { jwks: { keys: [jwk] }, sign }
}

async function main(given: ReturnType<typeof options>): Promise<boolean> {
  const parts = createParts(line => process.stderr.write(`${line}\n`))
  try {
    const folder = await mkdtemp(join(tmpdir(), 'mcp-oidc-load-'))
    parts.add('folder', () => rm(folder, { recursive: true, force: true }))
    await chmod(folder, 0o711)
    const postgres = await startPostgres({ data_directory: join(folder, 'postgres') })
    parts.add('PostgreSQL', () => postgres.stop())
    const { jwks, sign } = await createSigner()
    const legs: Leg[] = []
    for (const variant of variants) {
      const leg = await startLeg({ variant, database_url: postgres.url, jwks, issuer })
      parts.add(variant, () => leg.stop())
      legs.push(leg)
    }
    const runs = await measure(legs, sign, given)
    return conclude(runs, await countEvents(postgres.url), given)
  } finally {
    await parts.stop()
  }
}

interface Runs {
  readonly by_variant: ReadonlyMap<Variant, readonly Run[]>
  /** Answered by the server with the trail. */
  readonly durable_calls: number
}

async function measure(
  legs: readonly Leg[],
  sign: (caller: number, org: number) => Promise<string>,
  { callers, orgs, seconds, rounds }: ReturnType<typeof options>,
): Promise<Runs> {
  const by_variant = new Map<Variant, Run[]>(legs.map(({ variant }) => [variant, []]))
  let durable_calls = 0
  for (let round = 0; round <= rounds; round += 1)
    for (const leg of legs) {
      const numbers = Array.from({ length: callers }, (_, caller) => caller)
      const tokens = await Promise.all(numbers.map(caller => sign(caller, caller % orgs)))
      // The first round warms up.
      const run = await runLeg(leg, tokens, round === 0 ? 2 : seconds, interrupted)
      if (leg.variant === 'durable') durable_calls += run.calls
      if (round > 0) by_variant.get(leg.variant)?.push(run)
      const name = `${round === 0 ? 'warm' : round} ${leg.variant}`
      process.stderr.write(
        `${name} ${rateOf(run).toFixed(0)}/s, ${costOf(run).toFixed(0)} µs a call\n`,
      )
    }
  return { by_variant, durable_calls }
}

const rateOf = ({ calls, seconds }: Run) => calls / seconds
const costOf = ({ calls, processor_time }: Run) => processor_time / calls

async function countEvents(url: string): Promise<number> {
  const db = openDatabase(url, { max: 1 })
  try {
    const { events } = await db
      .selectFrom('audit_events')
      .select(({ fn }) => fn.countAll<number>().as('events'))
      .where('type', '=', 'tool_call')
      .executeTakeFirstOrThrow()
    return events
  } finally {
    await db.destroy()
  }
}

function conclude(
  { by_variant, durable_calls }: Runs,
  events: number,
  { ratio: least, callers, orgs }: ReturnType<typeof options>,
): boolean {
  const ratesOf = (variant: Variant) => (by_variant.get(variant) ?? []).map(rateOf)
  const median = (variant: Variant) => percentile(ratesOf(variant), 0.5)
  const row = (variant: Variant) => {
    const rates = [0.01, 0.5, 1].map(share => Math.round(percentile(ratesOf(variant), share)))
    const costs = (by_variant.get(variant) ?? []).map(costOf)
    return [variant, ...rates, Math.round(percentile(costs, 0.5))]
  }
  const ratio = median('durable') / median('off')
  process.stdout.write(
    table([
      ['calls a second', 'least', 'median', 'most', 'processor µs a call'],
      ...variants.map(row),
    ]) +
      `\n${callers} callers of ${orgs} organizations. durable / off: ${ratio.toFixed(2)}; durable / plain: ${(median('durable') / median('plain')).toFixed(2)}\n` +
      `${durable_calls} calls were answered with a trail, ${events} events are in it\n`,
  )
  const problems = [
    ...(ratio < least ? [`durable is below ${least} of off`] : []),
    ...(events < durable_calls ? ['there are answers without an event'] : []),
  ]
  process.stdout.write(problems.map(problem => `Not good: ${problem}\n`).join(''))
  return problems.length === 0
}

await runScript({ usage, options, main })
