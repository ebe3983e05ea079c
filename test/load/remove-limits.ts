import { readFile, writeFile } from 'node:fs/promises'
import { isMap, parseDocument, visit } from 'yaml'

/**
 * Writes a copy of a Kong configuration without its rate limits, and gives the copy's path. A load
 * that is meant to meet something else would be stopped by them. Throws when there are none to take
 * out, for then they are called something else by now.
 */
export async function removeLimits(file: string, copy: string): Promise<string> {
  const document = parseDocument(await readFile(file, 'utf8'))
  let removed = 0
  visit(document, {
    Map(key, node) {
      const name = node.get('name')
      // A plugin is an item of a list.
      if (typeof key !== 'number' || !isMap(node) || typeof name !== 'string') return undefined
      if (!/(^|-)rate-limiting$/.test(name)) return undefined
      removed += 1
      return visit.REMOVE
    },
  })
  if (removed === 0) throw new Error(`${file} has no plugin called …rate-limiting`)
  await writeFile(copy, document.toString())
  return copy
}
