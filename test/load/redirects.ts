import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { redirectUriAllowed } from '../../plugins/mcp-oidc/authorization/redirect-uri.ts'
import { openAuthorizationServer } from '../support/authorization-server.ts'
import setUp from '../support/global-setup.ts'
import tearDown from '../support/global-teardown.ts'
import { registrationBody } from '../support/registration-bodies.ts'
import { sameAsRegistered, unsafe } from '../support/redirect-oracle.ts'
import { registered_uris, trickedUri } from '../support/redirect-tricks.ts'
import { tryRegistration } from '../support/try-registration.ts'
import { table } from './table.ts'
import { runScript, untilInterrupted } from './run-script.ts'
import { wholeNumber } from './whole-number.ts'

const usage = `Usage: npm run load:redirects -- [--uris N] [--bodies N] [--seed N] [--quick]

Plays an attacker's tricks on redirect URIs and on registrations. Each URI is judged by the redirect
policy and, independently, by what a browser would do with it; each registration body goes to the real
/register, in process, with a PostgreSQL of its own.

  --uris N    redirect URIs (1000000; 0 for none)
  --bodies N  registration bodies (100000; 0 for none)
  --seed N    of the attacker (another one each time, and printed)
  --quick     20000 URIs and 2000 bodies, unless others are asked for
  --help      print this, and end

Ends with 1 when a URI was accepted that a browser takes elsewhere than a registered one, when a
registration was answered with something else than 201 or an OAuth error, or when nothing was accepted
at all: then the attacker never came close and nothing is proved. Takes about ten minutes.
`
const batch = 20_000
const body_batch = 5_000
const at_once = 16
const most_shown = 20
const interrupted = untilInterrupted()

interface Result {
  readonly tried: number
  readonly accepted: number
  readonly wrong: readonly string[]
  readonly seconds: number
}

const report = (line: string) => void process.stderr.write(`${line}\n`)

async function tryUris(count: number, seed: number): Promise<Result> {
  const own = { issuer: 'https://gw.example', private_use_schemes: ['cursor'] }
  const begun = performance.now()
  const wrong: string[] = []
  let accepted = 0
  const pair = fc.tuple(
    fc.uniqueArray(fc.constantFrom(...registered_uris), { minLength: 1, maxLength: 4 }),
    trickedUri(registered_uris),
  )
  for (let tried = 0; tried < count; tried += batch) {
    for (const [registered, uri] of fc.sample(pair, {
      numRuns: Math.min(batch, count - tried),
      seed: seed + tried,
    })) {
      if (!redirectUriAllowed(uri, registered, own)) continue
      accepted += 1
      const why =
        unsafe(uri, own) ?? (sameAsRegistered(uri, registered) ? undefined : 'not registered')
      if (why !== undefined) wrong.push(`${JSON.stringify(uri)}: ${why}`)
    }
    if ((tried / batch) % 5 === 4)
      report(`${tried + batch} of ${count} URIs, ${wrong.length} wrong`)
    await setImmediate()
    interrupted.throwIfAborted()
  }
  return { tried: count, accepted, wrong, seconds: (performance.now() - begun) / 1000 }
}

async function tryBodies(count: number, seed: number): Promise<Result> {
  await setUp()
  try {
    const server = await openAuthorizationServer({ most_unused_clients: 1_000_000 })
    try {
      return await sendBodies(count, seed, server)
    } finally {
      await server.close()
    }
  } finally {
    await tearDown()
  }
}

async function sendBodies(
  count: number,
  seed: number,
  { runtime, settings, log, db }: Awaited<ReturnType<typeof openAuthorizationServer>>,
): Promise<Result> {
  const begun = performance.now()
  const wrong: string[] = []
  let accepted = 0
  for (let tried = 0; tried < count; tried += body_batch) {
    const bodies = fc.sample(registrationBody, {
      numRuns: Math.min(body_batch, count - tried),
      seed: seed + tried,
    })
    let next = 0
    const work = async () => {
      for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
        const answer = await tryRegistration(runtime.app, body, settings)
        if (answer.status === 201) accepted += 1
        if (answer.wrong !== undefined) wrong.push(answer.wrong)
        interrupted.throwIfAborted()
      }
    }
    await Promise.all(Array.from({ length: at_once }, work))
    log.entries.length = 0
    // Those that wait to be used are counted at each registration.
    await db.deleteFrom('oidc_records').where('model', '=', 'Client').execute()
    report(`${tried + bodies.length} of ${count} registrations, ${wrong.length} wrong`)
  }
  return { tried: count, accepted, wrong, seconds: (performance.now() - begun) / 1000 }
}

function options() {
  const { values } = parseArgs({
    options: {
      uris: { type: 'string' },
      bodies: { type: 'string' },
      quick: { type: 'boolean', default: false },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      help: { type: 'boolean', default: false },
    },
  })
  const { help, quick, seed } = values
  const { uris = quick ? '20000' : '1000000', bodies = quick ? '2000' : '100000' } = values
  return {
    help,
    uris: wholeNumber('uris', uris, 0, 100_000_000),
    bodies: wholeNumber('bodies', bodies, 0, 500_000),
    seed: wholeNumber('seed', seed, 0, 1_000_000_000),
  }
}

async function main({ uris, bodies, seed }: ReturnType<typeof options>): Promise<boolean> {
  report(`seed ${seed}`)
  const results: [string, Result][] = []
  if (uris > 0) results.push(['redirect URIs', await tryUris(uris, seed)])
  if (bodies > 0) results.push(['registrations', await tryBodies(bodies, seed)])
  const rows = results.map(([name, { tried, accepted, wrong, seconds }]) => [
    name,
    tried,
    accepted,
    wrong.length,
    seconds.toFixed(0),
  ])
  process.stdout.write(table([[`seed ${seed}`, 'tried', 'accepted', 'wrong', 'seconds'], ...rows]))
  const problems = results.flatMap(([name, { accepted, wrong }]) => [
    ...wrong.slice(0, most_shown),
    ...(accepted === 0 ? [`no ${name} were accepted: nothing is proved`] : []),
  ])
  process.stdout.write(problems.map(problem => `Not good: ${problem}\n`).join(''))
  return problems.length === 0
}

await runScript({ usage, options, main })
