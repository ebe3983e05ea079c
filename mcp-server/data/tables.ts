/**
 * The product's tables as Kysely sees them. Every row belongs to one org, or to everyone when
 * `org_id` is null. Their names carry the schema on purpose: queries read the filtered names of
 * visible-rows.ts, and whoever writes `product.` says that the filter is not in the way.
 */
export type ProductTables = {
  'product.companies': CompanyRow
  'product.people': PersonRow
  'product.funding_rounds': FundingRoundRow
  'product.saved_lists': SavedListRow
  'product.saved_list_items': SavedListItemRow
}

interface CompanyRow {
  id: string
  org_id: string | null
  name: string
  sector: string
  /** ISO 3166-1 alpha-2 */
  country: string
  city: string
  founded: number
  employees: number
  description: string
}

interface PersonRow {
  id: string
  org_id: string | null
  company_id: string
  name: string
  title: string
}

interface FundingRoundRow {
  id: string
  org_id: string | null
  company_id: string
  stage: string
  /** YYYY-MM-DD */
  announced_on: string
  amount_usd: number
  lead_investor: string
}

interface SavedListRow {
  id: string
  org_id: string
  name: string
}

interface SavedListItemRow {
  list_id: string
  company_id: string
  org_id: string
  added_by: string
}
