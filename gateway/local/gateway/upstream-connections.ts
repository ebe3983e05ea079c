import { Agent } from 'node:http'
import { Agent as TlsAgent } from 'node:https'

/** Kong's own: `upstream_keepalive_idle_timeout` in milliseconds, and `upstream_keepalive_pool_size`. */
const kept = { keepAlive: true, timeout: 60_000, maxFreeSockets: 512 }

/** Connections to upstreams that wait for the next request, by protocol. They keep no process running. */
export const upstream_connections = { http: new Agent(kept), https: new TlsAgent(kept) }
