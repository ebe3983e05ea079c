import type { Pdk } from '../../../gateway/plugin-server/pdk.ts'
import { connectInMemory } from './kong-peer.ts'
import type { KongPeer } from './kong-peer.ts'
import { pluginModule } from './plugin-module.ts'

/** What leaves the server in one write, from now on. */
export function watchWrites({ stream }: KongPeer): readonly Buffer[] {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return chunks
}

/** Runs one access phase on instance 1. */
export function runAccess(access: (kong: Pdk) => Promise<void>) {
  const server = connectInMemory(pluginModule(access))
  server.instances.open({ id: 1, name: 'pbtest', config: '{}' })
  server.peer.startEvent(1)
  return server
}
