import type { Logger } from 'pino'
import type { Environment } from '../environment.ts'
import { tools } from '../tools/tools.ts'
import { httpPermissions } from './http-permissions.ts'
import { parsePolicy } from './parse-policy.ts'
import { type PermissionSource, rolePermissions } from './permission-source.ts'
import type { Policy } from './policy.ts'
import { openPolicyFile } from './policy-file.ts'

export interface Permissions {
  /** What tools need, at the moment of asking. */
  readonly policy: () => Policy
  readonly source: PermissionSource
  close(): void
}

/** Milliseconds. */
const look_at_file = 1_000
const api = { timeout: 2_000, max_age: 30_000 }

/**
 * The permissions that the environment names: what tools need from the file; what people may do
 * from the company's own API, or else from the roles in the file.
 *
 * @throws Error that names the file and says what is wrong with it
 */
export async function openPermissions(
  { permissions_file: file, permissions_api }: Environment,
  log: Logger,
  clock: () => number,
): Promise<Permissions> {
  const parse = (yaml: string) => parsePolicy(yaml, tools)
  let opened
  try {
    opened = await openPolicyFile({ file, parse, log, interval: look_at_file })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`${file} cannot be used; mend it, or set PERMISSIONS_FILE. ${why}`, {
      cause: error,
    })
  }
  const { current, close } = opened
  const source = permissions_api
    ? httpPermissions({ ...permissions_api, ...api, clock })
    : rolePermissions(current)
  return { policy: current, source, close }
}
