import { describe, expect, it } from '@jest/globals'
import { generateProductRows } from '../../../../mcp-server/data/generate.ts'

describe('generateProductRows', () => {
  const rows = generateProductRows()

  it('gives the same rows every time', () => {
    expect(generateProductRows()).toEqual(rows)
    expect(generateProductRows(2)).not.toEqual(rows)
  })

  it('gives a few hundred rows', () => {
    expect(rows['product.companies']).toHaveLength(200)
    expect(rows['product.people'].length).toBeGreaterThan(250)
    expect(rows['product.funding_rounds'].length).toBeGreaterThan(250)
    expect(rows['product.saved_lists']).toHaveLength(6)
  })

  it('gives every company its own name and id', () => {
    expect(new Set(rows['product.companies'].map(({ name }) => name)).size).toBe(200)
    expect(new Set(rows['product.companies'].map(({ id }) => id)).size).toBe(200)
  })

  it('gives each org rows of its own, and everybody some', () => {
    for (const table of [
      'product.companies',
      'product.people',
      'product.funding_rounds',
    ] as const) {
      const owners = new Set(rows[table].map(({ org_id }) => org_id))
      expect(owners).toEqual(new Set([null, 'acme', 'globex']))
    }
  })

  it('keeps what belongs to a private company with its owner', () => {
    const owner = new Map(rows['product.companies'].map(({ id, org_id }) => [id, org_id]))
    for (const row of [...rows['product.people'], ...rows['product.funding_rounds']]) {
      const company = owner.get(row.company_id)
      if (company !== null) expect(row.org_id).toBe(company)
    }
    for (const item of rows['product.saved_list_items']) {
      expect([null, item.org_id]).toContain(owner.get(item.company_id))
    }
  })
})
