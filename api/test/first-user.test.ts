import { hasUsers } from '@telltale/infra/storage/users'
import { createTestDatabase } from '@telltale/infra/testing/database'
import { expect, it } from 'vitest'
import { ensureAdmin } from '../src/session/first-user.ts'
import { passwordMatches } from '../src/session/passwords.ts'

it('U-FIRST-1 the first start makes one admin, also when two start at once; an invented password is told once', async () => {
  const { pool, drop } = await createTestDatabase()
  const told = await Promise.all([ensureAdmin(pool, undefined), ensureAdmin(pool, undefined)])
  const passwords = told.filter((password) => password !== undefined)
  expect(passwords).toHaveLength(1)
  const { rows } = await pool.query('SELECT username, role, password_hash FROM app_user')
  expect(rows).toMatchObject([{ username: 'admin', role: 'admin' }])
  expect(rows[0].password_hash).toMatch(/^\$argon2id\$/)
  expect(await passwordMatches(rows[0].password_hash, passwords[0] ?? '')).toBe(true)
  expect(await ensureAdmin(pool, 'another password')).toBeUndefined()
  expect(await hasUsers(pool)).toBe(true)
  await drop()
})
