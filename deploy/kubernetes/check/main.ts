import { fileURLToPath } from 'node:url'
import { checkKubernetes } from './check.ts'

/** `npm run kubernetes:check`: says everything that is wrong, and exits 1 when something is. */
const root = fileURLToPath(new URL('../../..', import.meta.url))
const problems = await checkKubernetes(root, Date.now())
for (const problem of problems) console.error(`- ${problem}`)
if (problems.length > 0) process.exitCode = 1
else console.log('deploy/kubernetes/production and its files are in order')
