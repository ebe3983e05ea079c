import { cp, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../parts.ts'

const awaited = `        waiting.push({ event, since: clock(), resolve, reject })
`

/**
 * A copy of the MCP server whose trail says that an event is on disk as soon as it has heard of it.
 * Gives the program. Throws when the code does not look as it did: then the copy would be the same.
 */
export async function copyWithoutCommit(folder: string): Promise<string> {
  for (const part of ['mcp-server', 'storage', 'config', 'package.json'])
    await cp(root(part), join(folder, part), { recursive: true })
  await symlink(root('node_modules'), join(folder, 'node_modules'))
  const writer = join(folder, 'storage/audit-writer.ts')
  const source = await readFile(writer, 'utf8')
  if (source.split(awaited).length !== 2)
    throw new Error('storage/audit-writer.ts has changed: say again where it waits for the disk')
  await writeFile(writer, source.replace(awaited, `${awaited}        resolve()\n`))
  return join(folder, 'mcp-server/main.ts')
}
