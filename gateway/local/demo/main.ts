import { parseArgs } from 'node:util'
import { runDemo } from './demo.ts'
import { stepLine } from './print-step.ts'

const usage = `A person and an AI client, headless, through the whole flow of a gateway: discovery,
registration, authorization, sign-in, consent, token, tools. Exits 0 when every step passed.

  npm run demo -- [--url URL] [--user EMAIL] [--password PASSWORD] [--org ORG] [--json]

  --url URL            the gateway (GATEWAY_URL, else http://localhost:8000)
  --user EMAIL         who signs in (alice@acme.example)
  --password PASSWORD  their password (password)
  --org ORG            for a user with several organizations: which one (the first)
  --json               one JSON document instead of lines`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', default: process.env['GATEWAY_URL'] ?? 'http://localhost:8000' },
      user: { type: 'string', default: 'alice@acme.example' },
      password: { type: 'string', default: 'password' },
      org: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  if (!URL.canParse(values.url)) throw new TypeError(`--url ${values.url} is no URL`)
  const { org, json, ...rest } = values
  if (!json) console.log(`${values.user} connects through ${values.url}`)
  const result = await runDemo({
    ...rest,
    ...(org === undefined ? {} : { org }),
    report: step => json || console.log(stepLine(step)),
  })
  if (json) console.log(JSON.stringify(result, null, 2))
  else console.log(result.ok ? 'Every step passed.' : 'A step failed.')
  return result.ok ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
