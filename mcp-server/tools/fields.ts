import { z } from 'zod'

/** Text without control characters, which no name has and PostgreSQL does not all take. */
export const line = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^\P{Cc}*$/u, 'must not hold control characters')

export const company_id = line.describe('The id of a company, as search_companies gives it.')

export const CompanyCard = z.object({
  id: z.string(),
  name: z.string(),
  sector: z.string(),
  country: z.string(),
  city: z.string(),
  founded: z.int(),
  employees: z.int(),
})

export const NamedCompany = z.object({ id: z.string(), name: z.string() })
