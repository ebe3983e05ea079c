import type { ColumnType, Generated, GeneratedAlways } from 'kysely'
import type { KeyMark, RingSetting } from './key-mark.ts'

/** What the tables look like to Kysely; migrations/ is where they are made and explained. */
export interface Tables {
  oidc_records: OidcRecords
  connections: Connections
  audit_events: AuditEvents
  approvals: Approvals
  client_decisions: ClientDecisions
  client_requests: ClientRequests
  signed_in_people: SignedInPeople
  client_names: ClientNames
  gateway_settings: GatewaySettings
  key_rings: KeyRings
}

interface KeyRings {
  issuer: string
  ring: RingSetting
  keys: ColumnType<readonly KeyMark[], string, string>
  written_at: Generated<Date>
}

interface OidcRecords {
  model: string
  id_hash: Buffer
  uid_hash: Buffer | null
  grant_id: string | null
  payload: Buffer
  consumed_at: Date | null
  expires_at: Date | null
  user_id: string | null
  successor: Buffer | null
}

interface Connections {
  id: string
  user_id: string
  org_id: string
  client_id: string
  idp_id: string
  status: Generated<'active' | 'ended'>
  ended_reason: string | null
  created_at: CreatedByDatabase
  last_used_at: Date | null
  expires_at: Date
  profile: Buffer
  ended_at: Date | null
  idp_refresh_token: Buffer | null
  idp_asked_at: Date | null
  idp_unavailable_since: Date | null
  email_hash: Buffer | null
  idp_sid_hash: Buffer | null
  lease_holder: string | null
  lease_until: Date | null
}

interface AuditEvents {
  id: GeneratedAlways<number>
  at: CreatedByDatabase
  type: string
  outcome: 'started' | 'ok' | 'error' | 'refused'
  request_id: string | null
  user_id: string | null
  org_id: string | null
  email: string | null
  client_id: string | null
  connection_id: string | null
  tool: string | null
  argument_digest: string | null
  error_code: string | null
  duration_ms: number | null
  reason: string | null
  ip: string | null
  count: number | null
  route: string | null
  limited_by: string | null
  client_kind: string | null
}

interface Approvals {
  user_id: string
  org_id: string
  client_id: string
  redirect: string
  resource: string
  scopes: string[]
  skips_consent: boolean
  created_at: CreatedByDatabase
  last_used_at: Generated<Date>
}

interface ClientDecisions {
  org_id: string
  client_id: string
  status: 'approved' | 'refused' | 'blocked'
  decided_by: string
  decided_at: Generated<Date>
}

interface ClientRequests {
  org_id: string
  client_id: string
  user_id: string
  client_name: string
  asked_at: Generated<Date>
}

interface SignedInPeople {
  user_id: string
  idp_id: string
  profile: Buffer
  idp_refresh_token: Buffer | null
  signed_in_at: Generated<Date>
  idp_asked_at: Generated<Date>
  idp_unavailable_since: Date | null
  expires_at: Date
}

interface ClientNames {
  client_id: string
  name: string
  kind: 'verified_host' | 'pre_registered' | 'self_declared'
  seen_at: Generated<Date>
}

interface GatewaySettings {
  issuer: string
  settings: unknown
  written_at: Generated<Date>
}

type CreatedByDatabase = ColumnType<Date, never, never>
