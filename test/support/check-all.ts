import { execFile } from 'node:child_process'

/**
 * `npm run check`: the checks of package.json, the longest beside the others, so that two processors
 * are busy. Prints what each said when it is over, and ends with 1 when one found something.
 */
const side_by_side = [['lint'], ['types', 'architecture', 'format']]

function check(name: string): Promise<boolean> {
  return new Promise(resolve => {
    const most = { maxBuffer: Infinity }
    execFile('npm', ['run', '--silent', `check:${name}`], most, (error, stdout, stderr) => {
      process.stdout.write(`${stdout}${stderr}check:${name}: ${error ? 'failed' : 'good'}\n`)
      resolve(error === null)
    })
  })
}

async function inTurn(names: readonly string[]): Promise<boolean> {
  let good = true
  for (const name of names) good = (await check(name)) && good
  return good
}

const results = await Promise.all(side_by_side.map(inTurn))
process.exitCode = results.every(good => good) ? 0 : 1
