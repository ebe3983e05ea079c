import { sql } from 'kysely'
import type { Child } from '../../../gateway/local/stack/child.ts'
import { openDatabase } from '../../../storage/database.ts'
import type { LocalSystem } from '../local-system.ts'
import type { PartName } from '../parts.ts'
import { cpuOf, parentOf } from './process-usage.ts'

/** Milliseconds of processor time of each part; `load` is this process. */
export interface PartCosts {
  readonly plugin_server: number
  readonly postgres: number
  readonly gateway: number
  readonly identity_provider: number
  readonly load: number
}

export interface PartCostReader {
  /** So far. */
  read(): Promise<PartCosts>
  /** What each of so many took since then. */
  since(before: PartCosts, count: number): Promise<PartCosts>
}

/** NaN where /proc is not there. */
export async function openPartCosts(system: LocalSystem<Child>): Promise<PartCostReader> {
  const postmaster = await postmasterOf(system.database_url)
  const part = (name: PartName) => cpuOf(system.part(name).pid ?? NaN)
  const read = async (): Promise<PartCosts> => {
    const [plugin_server, postgres, gateway, identity_provider] = await Promise.all([
      part('plugin-server'),
      cpuOf(postmaster),
      part('gateway'),
      part('dev-idp'),
    ])
    const { user, system: kernel } = process.cpuUsage()
    return {
      ...{ plugin_server, postgres, gateway, identity_provider },
      load: (user + kernel) / 1000,
    }
  }
  return {
    read,
    async since(before, count) {
      const after = await read()
      const each = (name: keyof PartCosts) => (after[name] - before[name]) / count
      return {
        plugin_server: each('plugin_server'),
        postgres: each('postgres'),
        gateway: each('gateway'),
        identity_provider: each('identity_provider'),
        load: each('load'),
      }
    },
  }
}

/** The process that starts one for each connection. */
async function postmasterOf(url: string): Promise<number> {
  const db = openDatabase(url, { max: 1 })
  try {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)
    return await parentOf(rows[0]?.pid ?? NaN)
  } finally {
    await db.destroy()
  }
}
