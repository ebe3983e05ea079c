import type { Pdk } from '../../gateway/plugin-server/pdk.ts'
import { FailedRequest } from './failed-request.ts'
import type { Log } from './log.ts'

const unavailable = JSON.stringify({
  error: 'temporarily_unavailable',
  error_description: 'The gateway could not check this request. Try again in a moment.',
})

/**
 * Runs an access phase. Whatever goes wrong becomes a 503: silence would let the request through. Kong
 * is asked nothing more, so the line says which request it was only where that is known already.
 */
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
    const named = error instanceof FailedRequest ? error : undefined
    const err = named ? named.cause : error
    // Kong drops the connection when its client has gone: nobody is left to be told.
    const gone = err instanceof Error && err.name === 'ConnectionDroppedError'
    const id = named?.request_id === undefined ? {} : { request_id: named.request_id }
    log[gone ? 'info' : 'error']({ err, ...id }, 'access phase failed; answering 503')
    await kong.response.exit(503, unavailable, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'retry-after': '1',
    })
  }
}
