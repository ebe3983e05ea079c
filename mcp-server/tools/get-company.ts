import { z } from 'zod'
import { findCompany } from '../data/companies.ts'
import { company_id, CompanyCard } from './fields.ts'
import { ToolError } from './tool-error.ts'
import { defineTool } from './tool.ts'

export const getCompany = defineTool({
  name: 'get_company',
  title: 'Get a company',
  description: 'Gives one company with its people and funding rounds.',
  input: z.strictObject({ id: company_id }),
  output: CompanyCard.extend({
    description: z.string(),
    people: z.array(z.object({ id: z.string(), name: z.string(), title: z.string() })),
    funding_rounds: z.array(
      z.object({
        id: z.string(),
        stage: z.string(),
        announced_on: z.string().describe('YYYY-MM-DD'),
        amount_usd: z.int(),
        lead_investor: z.string(),
      }),
    ),
  }),
  async run({ identity, data }, { id }) {
    const company = await findCompany(data, identity.org_id, id)
    if (company === undefined) throw noCompany()
    return company
  },
})

/** The same for a company that does not exist and for one of another org: nobody learns which. */
export const noCompany = () =>
  new ToolError(
    'not_found',
    'There is no company with this id. Call search_companies and use an id from its answer.',
  )
