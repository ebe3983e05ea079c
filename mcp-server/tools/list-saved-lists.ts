import { z } from 'zod'
import { savedLists } from '../data/saved-lists.ts'
import { NamedCompany } from './fields.ts'
import { defineTool } from './tool.ts'

export const listSavedLists = defineTool({
  name: 'list_saved_lists',
  title: 'List saved lists',
  description: 'Gives the lists of companies that your organisation keeps.',
  input: z.strictObject({}),
  output: z.object({
    lists: z.array(
      z.object({ id: z.string(), name: z.string(), companies: z.array(NamedCompany) }),
    ),
  }),
  run: async ({ identity, data }) => ({ lists: await savedLists(data, identity.org_id) }),
})
