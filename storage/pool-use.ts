import type pg from 'pg'

/** Connections of a pool, and how many queries wait for one. */
export interface PoolUse {
  readonly total: number
  readonly idle: number
  readonly waiting: number
}

const pools = new WeakMap<object, pg.Pool>()

/** Called by `openDatabase`. */
export function rememberPool(db: object, pool: pg.Pool): void {
  pools.set(db, pool)
}

/** How a database's pool is used now. Throws for one that `openDatabase` did not open. */
export function poolUse(db: object): PoolUse {
  const pool = pools.get(db)
  if (!pool) throw new TypeError('this database was not opened by openDatabase')
  return { total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }
}
