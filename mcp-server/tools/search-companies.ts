import { z } from 'zod'
import { searchCompanies } from '../data/companies.ts'
import { sectors } from '../data/vocabulary.ts'
import { cursor, writeCursor } from './cursor.ts'
import { CompanyCard, line } from './fields.ts'
import { defineTool } from './tool.ts'

export const searchCompaniesTool = defineTool({
  name: 'search_companies',
  title: 'Search companies',
  description:
    'Finds companies by words in their name or description, by sector and by country. ' +
    'Gives them in order of their names, one page at a time.',
  input: z.strictObject({
    query: line.optional().describe('Text in the name or description, in any case.'),
    sector: z.enum(sectors).optional().describe('Only companies of this sector.'),
    country: z
      .string()
      .regex(/^[A-Za-z]{2}$/, 'must be a two-letter country code, such as DE')
      .toUpperCase()
      .optional()
      .describe('Only companies of this country, an ISO 3166-1 code of two letters.'),
    limit: z.int().min(1).max(50).default(20).describe('How many at most, 1 to 50.'),
    cursor: cursor.optional().describe('next_cursor of the page before, to get the next one.'),
  }),
  output: z.object({
    companies: z.array(CompanyCard),
    next_cursor: z.string().optional().describe('Present when there are more.'),
  }),
  async run({ identity, data }, { cursor: after, limit, ...search }) {
    // One more than asked for tells whether there is a next page.
    const found = await searchCompanies(data, identity.org_id, {
      ...search,
      after,
      limit: limit + 1,
    })
    const companies = found.slice(0, limit)
    const last = companies.at(-1)
    return {
      companies,
      ...(found.length > limit && last && { next_cursor: writeCursor(last) }),
    }
  },
})
