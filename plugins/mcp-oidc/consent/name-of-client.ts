import type { ClientName } from '../../../storage/client-names.ts'
import { clientKind } from '../authorization/clients/client-kind.ts'
import { displayName } from '../pages/display-text.ts'
import type { Flow } from '../sign-in/flow.ts'
import { clientOnPage, type Interaction } from '../sign-in/interaction.ts'

/**
 * How a client is called, as the pages call it, to be noted: those who look at its connections want a
 * name. It may have to be looked up or fetched, which no transaction may wait for.
 */
export async function nameOfClient(flow: Flow, interaction: Interaction): Promise<ClientName> {
  const { client_id } = interaction
  const { name } = await clientOnPage(flow, interaction)
  return { client_id, name: displayName(name), kind: clientKind(client_id, flow.settings) }
}
