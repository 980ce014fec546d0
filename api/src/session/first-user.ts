import { newSecret } from '@telltale/infra/secrets'
import type { Pool } from '@telltale/infra/storage/pool'
import { createUser, hasUsers } from '@telltale/infra/storage/users'
import { hashPassword } from './passwords.ts'

const FIRST_USERNAME = 'admin'

/** Makes the first user when there is none. Returns the password it had to invent, to be shown once. */
export async function ensureAdmin(
  pool: Pool,
  givenPassword: string | undefined,
): Promise<string | undefined> {
  if (await hasUsers(pool)) return undefined
  const password = givenPassword ?? newSecret().slice(0, 22)
  const passwordHash = await hashPassword(password)
  const created = await createUser(pool, { username: FIRST_USERNAME, passwordHash, role: 'admin' })
  return created && givenPassword === undefined ? password : undefined
}
