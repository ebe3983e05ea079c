import { type Kysely, sql } from 'kysely'

/** Companies, the people and funding rounds of them, and the lists an org keeps. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table product.companies (
      id text primary key,
      org_id text,
      name text not null,
      sector text not null,
      country text not null,
      city text not null,
      founded integer not null,
      employees integer not null,
      description text not null
    )`.execute(db)
  await sql`create index companies_by_name on product.companies (name collate "C", id)`.execute(db)
  await sql`
    create table product.people (
      id text primary key,
      org_id text,
      company_id text not null references product.companies (id),
      name text not null,
      title text not null
    )`.execute(db)
  await sql`create index people_by_company on product.people (company_id)`.execute(db)
  // Dates are days, not moments, and whole dollars reach beyond 32 bits.
  await sql`
    create table product.funding_rounds (
      id text primary key,
      org_id text,
      company_id text not null references product.companies (id),
      stage text not null,
      announced_on text not null check (announced_on ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
      amount_usd bigint not null,
      lead_investor text not null
    )`.execute(db)
  await sql`create index rounds_by_company on product.funding_rounds (company_id)`.execute(db)
  await sql`
    create table product.saved_lists (
      id text primary key,
      org_id text not null,
      name text not null,
      unique (id, org_id)
    )`.execute(db)
  await sql`
    create unique index saved_lists_by_name
      on product.saved_lists (org_id, lower(name))`.execute(db)
  // The pair of keys keeps an item from belonging to another org than its list.
  await sql`
    create table product.saved_list_items (
      list_id text not null,
      company_id text not null references product.companies (id),
      org_id text not null,
      added_by text not null,
      primary key (list_id, company_id),
      foreign key (list_id, org_id) references product.saved_lists (id, org_id)
    )`.execute(db)
}
