import { z } from 'zod'
import { addToList } from '../data/saved-lists.ts'
import { company_id, line, NamedCompany } from './fields.ts'
import { noCompany } from './get-company.ts'
import { ToolError } from './tool-error.ts'
import { defineTool } from './tool.ts'

export const addToListTool = defineTool({
  name: 'add_to_list',
  title: 'Add a company to a list',
  description:
    'Puts a company on a list that your organisation keeps. Name the list by list_id or by ' +
    'list_name; a list_name that does not exist yet makes a new list. Adding twice changes nothing.',
  writes: { destructive: false, idempotent: true },
  input: z.strictObject({
    list_id: line.optional().describe('The id of a list, as list_saved_lists gives it.'),
    list_name: line.max(80).optional().describe('The name of a list, existing or new.'),
    company_id,
  }),
  output: z.object({
    list: z.object({ id: z.string(), name: z.string() }),
    company: NamedCompany,
    added: z.boolean().describe('False when the company was on the list already.'),
    list_created: z.boolean(),
  }),
  async run({ identity, data, progress, signal }, { list_id, list_name, company_id }) {
    await progress({ progress: 0, total: 1, message: 'Looking for the company and the list' })
    const result = await addToList(data, identity.org_id, {
      list: oneOf(list_id, list_name),
      company_id,
      ...{ added_by: identity.user_id, signal },
    })
    if (result === 'no_company') throw noCompany()
    if (result === 'no_list') {
      throw new ToolError(
        'not_found',
        'There is no list with this id. Call list_saved_lists and use an id from its answer.',
      )
    }
    return result
  },
})

function oneOf(id: string | undefined, name: string | undefined) {
  if (id !== undefined && name === undefined) return { id }
  if (name !== undefined && id === undefined) return { name }
  throw new ToolError('invalid_arguments', 'Give either list_id or list_name, one of the two.')
}
