import { createTestDatabase } from './database.ts'
import { createSite, type Site } from './product.ts'

export interface SharedSite extends Site {
  databaseUrl: string
}

/**
 * An installation with a database of its own on the run's server: without a server to make and to start it is there
 * in half the time. For tests to which it does not matter where the data is.
 */
export async function createSharedSite(): Promise<SharedSite> {
  const site = await createSite()
  const database = await createTestDatabase()
  return {
    ...site,
    databaseUrl: database.url,
    remove: async () => {
      await site.remove()
      await database.drop()
    },
  }
}
