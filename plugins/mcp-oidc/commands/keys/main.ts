import { parseArgs } from 'node:util'
import { messages, UsageError } from '../../../../storage/commands/command-store.ts'
import { forgetRing } from './forget.ts'
import { listRings } from './list.ts'
import { makeRings } from './make.ts'
import { resealRows } from './reseal.ts'
import { ring_names, type RingName } from './rings.ts'
import { rotateRing, type Step } from './rotate.ts'
import { openSource } from './source.ts'
import { usage } from './usage.ts'

const allowed: Readonly<Record<string, readonly string[]>> = {
  new: ['ring', 'kid', 'out'],
  'rotate append': ['ring', 'kid', 'file', 'env', 'write', 'out'],
  'rotate promote': ['ring', 'kid', 'file', 'env', 'write', 'out'],
  'rotate remove': ['ring', 'kid', 'file', 'env', 'write', 'out', 'unchecked'],
  list: ['ring', 'file', 'env'],
  reseal: ['file', 'env'],
  forget: ['ring', 'env'],
}

async function main(): Promise<number> {
  const { values, positionals } = parse()
  const command = positionals.join(' ')
  if (values.help || command === '' || command === 'help') {
    console.log(usage)
    return values.help || command === 'help' ? 0 : 2
  }
  const options = allowed[command]
  if (!options)
    throw new UsageError(
      `There is no command "${command}", only ${Object.keys(allowed).join(', ')}. See --help.`,
    )
  for (const name of Object.keys(values))
    if (name !== 'json' && !options.includes(name))
      throw new UsageError(`--${name} means nothing to ${command}. See --help.`)
  const rings = (values.ring ?? []).map(ringNamed)
  const { json = false, kid } = values
  if (kid === '') throw new UsageError('--kid is empty.')
  if (command === 'new') return makeRings({ rings, kid, out: values.out, json, now: Date.now() })
  const one = command === 'reseal' ? 'storage' : rings.length === 1 ? rings[0] : undefined
  if (values.file !== undefined && !one)
    throw new UsageError('--file holds one ring: say which, with --ring.')
  const source = await openSource({ ...where(values), environment: process.env }, one)
  if (command === 'list') return listRings(source, rings.length > 0 ? rings : ring_names, json)
  if (command === 'reseal') return resealRows(source, { json, signal: interruption() })
  if (command === 'forget') {
    if (!one) throw new UsageError(`Say which ring to forget: --ring ${ring_names.join('|')}.`)
    return forgetRing(source, one, json)
  }
  const step = positionals[1] as Step
  if (!one) throw new UsageError(`Say which ring to rotate: --ring ${ring_names.join('|')}.`)
  if (kid === undefined && step !== 'append')
    throw new UsageError(`Say which key to ${step}: --kid. The list command names them.`)
  const { write = false, out, unchecked = false } = values
  if (write && out !== undefined) throw new UsageError('Say either --write or --out.')
  return rotateRing(source, { ring: one, step, kid, write, out, unchecked, json, now: Date.now() })
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        ring: { type: 'string', multiple: true },
        kid: { type: 'string' },
        file: { type: 'string' },
        env: { type: 'string' },
        write: { type: 'boolean' },
        out: { type: 'string' },
        unchecked: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\nSee --help.`, {
      cause: error,
    })
  }
}

function where({ file, env }: { file?: string; env?: string }) {
  return { file, env }
}

function ringNamed(name: string): RingName {
  const known = ring_names.find(ring => ring === name)
  if (!known) throw new UsageError(`There is no ring "${name}", only ${ring_names.join(', ')}.`)
  return known
}

/** Ctrl-C ends the work after the row under way; a second one ends the process. */
function interruption(): AbortSignal {
  const ending = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())
  return ending.signal
}

try {
  process.exitCode = await main()
} catch (error) {
  if (error instanceof UsageError) {
    console.error(error.message)
    process.exitCode = 2
  } else {
    console.error(`It failed: ${messages(error).join(': ')}`)
    process.exitCode = 1
  }
}
