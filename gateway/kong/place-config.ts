import { readFile, writeFile } from 'node:fs/promises'
import { placeConfig, placesFrom } from './places.ts'

/**
 * Writes config/kong.yml for where the parts are: `node place-config.ts FROM TO`, with
 * MCP_SERVER_URL and CONSOLE_URL in the environment. What is not named stays as it is.
 */
const [from, to] = process.argv.slice(2)
if (from === undefined || to === undefined) {
  console.error('node place-config.ts FROM TO, with MCP_SERVER_URL and CONSOLE_URL')
  process.exitCode = 2
} else
  try {
    const { text, missing } = placeConfig(await readFile(from, 'utf8'), placesFrom(process.env))
    await writeFile(to, text)
    for (const place of missing)
      console.log(`${from} does not name ${place}: the address that it has instead is kept`)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
