import type { Pdk } from '../../gateway/plugin-server/pdk.ts'
import type { Log } from './log.ts'

const unavailable = JSON.stringify({
  error: 'temporarily_unavailable',
  error_description: 'The gateway could not check this request. Try again in a moment.',
})

/** Runs an access phase. Whatever goes wrong becomes a 503: silence would let the request through. */
export async function failClosed(
  kong: Pdk,
  log: Log,
  serve: (kong: Pdk) => Promise<void>,
  failed: () => void = () => undefined,
): Promise<void> {
  try {
    await serve(kong)
  } catch (error) {
    failed()
    // Kong drops the connection when its client has gone: nobody is left to be told.
    const gone = error instanceof Error && error.name === 'ConnectionDroppedError'
    log[gone ? 'info' : 'error']({ err: error }, 'access phase failed; answering 503')
    await kong.response.exit(503, unavailable, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'retry-after': '1',
    })
  }
}
