import type { Insertable } from 'kysely'
import { type Random, seededRandom } from './random.ts'
import type { ProductTables } from './tables.ts'
import * as words from './vocabulary.ts'

export type ProductRows = {
  -readonly [T in keyof ProductTables]: Insertable<ProductTables[T]>[]
}

const PUBLIC_COMPANIES = 160
const COMPANIES_PER_ORG = 20
const ITEMS_PER_LIST = 8
/** Who the generated private rows belong to: the organisations of the development users. */
const ORGS = ['acme', 'globex'] as const

/**
 * The sample data, the same rows for the same seed: 200 companies, of which each org owns some, some
 * 300 people and 300 funding rounds, a few of them an org's own notes on a public company, and three
 * lists per org.
 */
export function generateProductRows(seed = 1): ProductRows {
  const random = seededRandom(seed)
  const rows: ProductRows = {
    'product.companies': [],
    'product.people': [],
    'product.funding_rounds': [],
    'product.saved_lists': [],
    'product.saved_list_items': [],
  }
  const owners = [
    ...Array.from({ length: PUBLIC_COMPANIES }, () => null),
    ...ORGS.flatMap(org => Array.from({ length: COMPANIES_PER_ORG }, () => org)),
  ]
  for (const [index, owner] of owners.entries()) addCompany(rows, random, index, owner)
  for (const org of ORGS) addLists(rows, random, org)
  return rows
}

const numbered = (prefix: string, index: number) =>
  `${prefix}_${(index + 1).toString().padStart(4, '0')}`

function addCompany(rows: ProductRows, random: Random, index: number, org_id: string | null) {
  const { firstParts, secondParts } = words
  // Every first word with one second word after the other: no pair comes twice.
  const round = Math.floor(index / firstParts.length)
  const first = firstParts[index % firstParts.length] ?? ''
  const second = secondParts[((index % firstParts.length) + round) % secondParts.length] ?? ''
  const [country, city] = random.pick(words.places)
  const id = numbered('cmp', index)
  rows['product.companies'].push({
    id,
    org_id,
    name: `${first} ${second}`,
    sector: random.pick(words.sectors),
    country,
    city,
    founded: random.integer(2004, 2023),
    employees: random.integer(5, 2_000),
    description: `Software for ${random.pick(words.offers)}, used by ${random.pick(words.customers)}.`,
  })
  const people = random.integer(1, 2)
  for (let person = 0; person < people; person++) {
    rows['product.people'].push({
      id: numbered('per', rows['product.people'].length),
      org_id: owner(random, org_id),
      company_id: id,
      name: `${random.pick(words.givenNames)} ${random.pick(words.familyNames)}`,
      title: words.titles[person] ?? random.pick(words.titles),
    })
  }
  addRounds(rows, random, id, org_id)
}

function addRounds(rows: ProductRows, random: Random, company_id: string, org_id: string | null) {
  let year = random.integer(2014, 2018)
  for (const [stage, least, most] of words.stages.slice(0, random.integer(0, 3))) {
    const month = random.integer(1, 12).toString().padStart(2, '0')
    const day = random.integer(1, 28).toString().padStart(2, '0')
    rows['product.funding_rounds'].push({
      id: numbered('rnd', rows['product.funding_rounds'].length),
      org_id: owner(random, org_id),
      company_id,
      stage,
      announced_on: `${year}-${month}-${day}`,
      amount_usd: random.integer(least / 100_000, most / 100_000) * 100_000,
      lead_investor: random.pick(words.investors),
    })
    year += random.integer(1, 2)
  }
}

/** What belongs to a company belongs to its owner; of a public one, now and then to one org. */
const owner = (random: Random, company_owner: string | null) =>
  company_owner ?? (random.integer(1, 10) === 1 ? random.pick(ORGS) : null)

function addLists(rows: ProductRows, random: Random, org_id: string) {
  const visible = rows['product.companies'].filter(
    company => company.org_id == null || company.org_id === org_id,
  )
  for (const name of words.listNames) {
    const list_id = numbered('lst', rows['product.saved_lists'].length)
    rows['product.saved_lists'].push({ id: list_id, org_id, name })
    const chosen = new Set(Array.from({ length: ITEMS_PER_LIST }, () => random.pick(visible).id))
    for (const company_id of chosen) {
      rows['product.saved_list_items'].push({
        list_id,
        company_id,
        org_id,
        added_by: 'sample data',
      })
    }
  }
}
