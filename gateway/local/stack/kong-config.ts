import { readFile, writeFile } from 'node:fs/promises'
import { placeConfig, type Places, usual } from '../../kong/places.ts'

export { usual }

/**
 * Gives the Kong configuration for these places: the file itself when they are the usual ones, else
 * a copy with them put in. Throws when the file does not name the usual ones: then a copy would
 * quietly point elsewhere.
 */
export async function kongConfigFor(places: Places, file: string, copy: string): Promise<string> {
  const before = await readFile(file, 'utf8')
  const { text, missing } = placeConfig(before, places)
  if (missing.length > 0)
    throw new Error(`${file} does not name ${missing.join(' and ')}, so it cannot be moved`)
  if (text === before) return file
  await writeFile(copy, text)
  return copy
}
