import { forgetApprovals } from './approvals.ts'
import { recordAuditEvent } from './audit.ts'
import type { Database } from './database.ts'

export interface OwnApproval {
  readonly user_id: string
  readonly org_id: string
  readonly client_id: string
}

/** A person wants to be asked again. On record, like everything they decide. Gives how many were forgotten. */
export async function forgetOwnApprovals(
  db: Database,
  approval: OwnApproval,
  { email, request_id }: { readonly email: string; readonly request_id: string },
): Promise<number> {
  const { user_id, org_id, client_id } = approval
  return db.transaction().execute(async transaction => {
    const gone = await forgetApprovals(transaction, { user_id, org_id, client_id })
    if (gone.length > 0)
      await recordAuditEvent(transaction, {
        type: 'revocation',
        outcome: 'ok',
        ...{ user_id, org_id, client_id, email, request_id },
        reason: 'approval forgotten, user',
      })
    return gone.length
  })
}
