import type { Player } from './play.ts'
import type { ServerProcess } from './server-process.ts'

/** A plugin server with one plugin, and how Kong plays with it. */
export interface Subject {
  readonly server: ServerProcess
  readonly player: () => Player
}
