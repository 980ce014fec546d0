/**
 * Advisory locks of PostgreSQL, by which processes that share a database take turns. Any numbers would do; they only
 * have to be ours and different.
 */
export const advisoryLocks = {
  /** Two starters wait for each other instead of failing. */
  migration: 7_355_608,
  /** Two brokers that need the same partition. */
  partition: 7_355_609,
  /** One process at a time advances rollups. */
  rollup: 7_355_610,
  /** One process at a time removes what deleted devices left. */
  deletion: 7_355_611,
  /** One process at a time moves into a database. */
  move: 7_355_612,
  /** Deletions become visible in the order of their ids. */
  deletionOrder: 7_355_613,
  /** Two brokers set the policies of TimescaleDB. */
  policies: 7_355_614,
  /** Unknown devices that ask to be let in are counted one at a time. */
  enrolment: 7_355_615,
} as const
