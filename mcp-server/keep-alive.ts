/**
 * Milliseconds an idle connection is kept: longer than Kong keeps it (60 s), or a request could meet a
 * connection that is just being closed, which Kong answers with 502.
 */
export const KEEP_ALIVE = 75_000
