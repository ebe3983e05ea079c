import { openPlayed } from '../play.ts'
import { protobufPlayer } from '../protobuf-player.ts'

/** Tokens that a plugin server is to judge, one after the other, on one connection. */
export interface TimedTokens {
  /** Milliseconds that the next so many took, each. */
  next(count: number): Promise<readonly number[]>
  close(): void
}

/** For an instance that is there. Rejects, when they are judged, unless every one of them is good. */
export async function timeTokens(
  socket: string,
  instance_id: number,
  tokens: readonly string[],
): Promise<TimedTokens> {
  let used = 0
  const player = protobufPlayer(instance_id, () => {
    const token = tokens[used]
    used += 1
    if (token === undefined) throw new Error('there are no more tokens')
    return `Bearer ${token}`
  })
  const connection = await openPlayed(socket, player())
  return {
    async next(count) {
      const times: number[] = []
      const played = async () => {
        for (let done = 0; done < count; done += 1) {
          const began = performance.now()
          await new Promise<void>(resolve => connection.play(resolve))
          times.push(performance.now() - began)
        }
        return times
      }
      return Promise.race([played(), connection.failure])
    },
    close: () => connection.close(),
  }
}
