import pg from 'pg'

/** Runs one statement in the server's `postgres` database, one caller at a time: a template is copied once at once. */
export async function administer(serverUrl: string, sql: string): Promise<void> {
  const url = new URL(serverUrl)
  url.pathname = '/postgres'
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  try {
    await client.query('SELECT pg_advisory_lock(42)')
    await client.query(sql)
  } finally {
    await client.end()
  }
}
