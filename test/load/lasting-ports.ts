import { randomInt } from 'node:crypto'
import { takenPorts } from '../../gateway/local/stack/ports.ts'

/** Below those that systems give to connections that go out, and above those of known services. */
const [first, beyond] = [20_000, 32_768]

/**
 * As many different free ports that stay free for a server that is dead for a while: none becomes a
 * client's own meanwhile.
 */
export async function lastingPorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>()
  while (found.size < count) {
    const port = randomInt(first, beyond)
    const taken = await takenPorts([{ port, what: 'a server', remedy: 'Another is looked for.' }])
    if (taken.length === 0) found.add(port)
  }
  return [...found]
}
