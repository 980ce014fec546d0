/**
 * Advisory locks of PostgreSQL, by which processes that share a database take turns. Any numbers would do; they only
 * have to be ours and different.
 */
export const advisoryLocks = {
  /** Two starters wait for each other instead of failing. */
  migration: 7_355_608,
  /** Two brokers that need the same partition. */
  partition: 7_355_609,
  /** One process at a time advances rollups, … */
  rollup: 7_355_610,
  /** … removes what deleted devices left, … */
  deletion: 7_355_611,
  /** … moves into a database. */
  move: 7_355_612,
} as const
