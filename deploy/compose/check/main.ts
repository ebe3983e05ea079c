import { fileURLToPath } from 'node:url'
import { checkCompose } from './check.ts'

/** `npm run compose:check`: says everything that is wrong, and exits 1 when something is. */
const root = fileURLToPath(new URL('../../..', import.meta.url))
const problems = await checkCompose(root, Date.now())
for (const problem of problems) console.error(`- ${problem}`)
if (problems.length > 0) process.exitCode = 1
else console.log('docker-compose.yml, its images and .env are in order')
