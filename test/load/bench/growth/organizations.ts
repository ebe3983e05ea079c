import { join } from 'node:path'
import type { Child } from '../../../../gateway/local/stack/child.ts'
import { signInAs } from '../../access-token.ts'
import type { LocalSystem } from '../../local-system.ts'
import { runLoad } from '../load.ts'
import { protobufPlayer } from '../protobuf-player.ts'
import { pluginConfig } from '../resource.ts'
import { inTurn, type Leg } from '../rounds.ts'
import { type ServerProcess, startInstance, startOurs } from '../server-process.ts'
import type { Section } from '../write-up/section.ts'
import { organizationsSection } from './organizations-section.ts'

export interface OrganizationsOptions {
  readonly rounds: number
  /** Milliseconds of a run. */
  readonly duration: number
  readonly report: (line: string) => void
}

const connections = 16
const numbers = [10, 10_000] as const

/** Plugin servers whose identity provider may assert so many organizations, with a value of its claim for each. */
export async function measureOrganizations(
  system: LocalSystem<Child>,
  { duration, report, rounds }: OrganizationsOptions,
): Promise<Section> {
  const config = (await pluginConfig(system, 'mcp')) as PluginConfig
  const { access_token } = await signInAs(system.url, 'alice@acme.example')
  const servers: ServerProcess[] = []
  try {
    const legs: Leg<number>[] = []
    const starts: Leg<number>[] = []
    for (const count of numbers) {
      const server = await startOurs(join(system.folder, `organizations-${count}.sock`), 1)
      servers.push(server)
      const own = withOrganizations(config, count)
      const id = await startInstance(server, 'mcp-oidc', own)
      const player = protobufPlayer(id, () => `Bearer ${access_token}`)
      legs.push({
        name: `${count} organizations`,
        run: async () => {
          const reached = await runLoad({ socket: server.socket, connections, duration, player })
          return reached.requests / reached.seconds
        },
      })
      let started = 0
      starts.push({
        name: `start of an instance with ${count} organizations`,
        run: async () => {
          started += 1 // with equal settings it would share what is there
          const began = performance.now()
          await startInstance(server, 'mcp-oidc', { ...own, access_token_ttl: 600 + started })
          return performance.now() - began
        },
      })
    }
    await inTurn(legs, 1, () => undefined)
    const resident = await Promise.all(servers.map(server => server.resident()))
    const speeds = await inTurn(legs, rounds, report)
    await inTurn(starts, 1, () => undefined)
    const started = await inTurn(starts, rounds, report)
    return organizationsSection(
      numbers.map((organizations, index) => ({
        organizations,
        starts: started[index] ?? [],
        requests_per_second: speeds[index] ?? [],
        resident: resident[index] ?? NaN,
      })),
    )
  } finally {
    for (const server of servers) await server.stop()
  }
}

interface PluginConfig {
  readonly identity_providers: readonly object[]
}

function withOrganizations<C extends PluginConfig>(config: C, count: number): C {
  const orgs = Array.from({ length: count }, (_, index) => `org${index}`)
  const org_map = orgs.map((org, index) => ({ value: `tenant-${index}`, org }))
  const [provider = {}, ...others] = config.identity_providers
  return { ...config, identity_providers: [{ ...provider, orgs, org_map }, ...others] }
}
