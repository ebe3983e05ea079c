import { noteClientName } from '../../../storage/client-names.ts'
import type { Database } from '../../../storage/database.ts'
import { clientKind } from '../authorization/clients/client-kind.ts'
import { displayName } from '../pages/display-text.ts'
import type { Flow } from '../sign-in/flow.ts'
import { clientOnPage, type Interaction } from '../sign-in/interaction.ts'

/** Notes how a client is called, as the pages call it: those who look at its connections want a name. */
export async function noteClient(
  flow: Flow,
  db: Database,
  interaction: Interaction,
): Promise<void> {
  const { client_id } = interaction
  const { name } = await clientOnPage(flow, interaction)
  const kind = clientKind(client_id, flow.settings)
  await noteClientName(db, { client_id, name: displayName(name), kind })
}
