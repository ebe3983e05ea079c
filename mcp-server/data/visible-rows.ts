import type { ProductDatabase } from './database.ts'

/**
 * Where every query of a tool starts: the tables `companies`, `people`, `funding_rounds`,
 * `saved_lists` and `saved_list_items` as one org may see them, its own rows and everyone's. They
 * are common table expressions, so the filter is inside the query that PostgreSQL runs; a row of
 * another org takes part in nothing, no count, no join and no cursor.
 */
export function visibleRows(db: ProductDatabase, org_id: string) {
  return db
    .with('companies', query =>
      query
        .selectFrom('product.companies')
        .selectAll()
        .where(row => row.or([row('org_id', 'is', null), row('org_id', '=', org_id)])),
    )
    .with('people', query =>
      query
        .selectFrom('product.people')
        .selectAll()
        .where(row => row.or([row('org_id', 'is', null), row('org_id', '=', org_id)])),
    )
    .with('funding_rounds', query =>
      query
        .selectFrom('product.funding_rounds')
        .selectAll()
        .where(row => row.or([row('org_id', 'is', null), row('org_id', '=', org_id)])),
    )
    .with('saved_lists', query =>
      query.selectFrom('product.saved_lists').selectAll().where('org_id', '=', org_id),
    )
    .with('saved_list_items', query =>
      query.selectFrom('product.saved_list_items').selectAll().where('org_id', '=', org_id),
    )
}
