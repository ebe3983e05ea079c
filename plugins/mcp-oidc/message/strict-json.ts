/** JSON that two readers could understand in two ways. */
export class AmbiguousJson extends Error {
  override readonly name = 'AmbiguousJson'
}

/** Nobody's messages are nested deeper, and every level costs memory. */
const deepest = 1_000

/**
 * Refuses what JSON.parse and another parser may read in two ways: a member that comes twice in one
 * object, also in another case (some parsers ignore it). Whoever checked one reading must not have
 * the other one acted on. Takes text that JSON.parse accepts.
 *
 * @throws AmbiguousJson that names the member; RangeError when it is nested more than 1,000 deep
 */
export function refuseAmbiguousMembers(json: string): void {
  // One entry for every object that is open; undefined for an array.
  const open: (Set<string> | undefined)[] = []
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/gs)) {
    if (token === '{' || token === '[') {
      if (open.length === deepest) throw new RangeError('nested too deeply')
      open.push(token === '{' ? new Set() : undefined)
    } else if (token === '}' || token === ']') open.pop()
    else if (token.endsWith(':')) remember(open.at(-1), token)
  }
}

function remember(members: Set<string> | undefined, token: string): void {
  const name = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string
  // Folded as those parsers do it: they take U+017F for s and U+212A for k as well.
  const folded = name.toUpperCase().toLowerCase()
  if (members?.has(folded)) throw new AmbiguousJson(`"${name.slice(0, 100)}" comes twice`)
  members?.add(folded)
}
