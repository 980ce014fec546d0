import { limits } from '@telltale/infra/limits'
import { hashSecret } from '@telltale/infra/secrets'
import { expect, it } from 'vitest'
import { type Named, type Proof, SignInMemory } from './sign-in-memory.ts'

const { rememberedMax, rememberedMs } = limits.signIns

const device = (deviceId: string): Named => ({
  kind: 'device',
  deviceId,
  credentialHash: hashSecret(deviceId),
})
const proofOf = (name: string, secret = name): Proof => ({ name, kind: 'secret', hash: hashSecret(secret) })

it('R-AWAY-12 what is remembered is one proof of each, of its own kind, for a day', () => {
  const memory = new SignInMemory()
  memory.remember(device('a'), 'secret', 1_000)
  expect(memory.find(proofOf('a'), 2_000)).toEqual(device('a'))
  expect(memory.find(proofOf('a', 'guessed'), 2_000)).toBeUndefined()
  expect(memory.find(proofOf('b', 'a'), 2_000)).toBeUndefined()
  expect(memory.find({ ...proofOf('a'), kind: 'certificate' }, 2_000)).toBeUndefined()
  expect(memory.find(proofOf('a'), 1_000 + rememberedMs)).toEqual(device('a'))
  expect(memory.find(proofOf('a'), 1_001 + rememberedMs)).toBeUndefined()
  memory.confirm({ name: 'a', hash: hashSecret('a') }, 5_000)
  expect(memory.find(proofOf('a'), 5_000 + rememberedMs)).toEqual(device('a'))
})

it('R-AWAY-13 a word of a right that may have ended undoes it, and what a question under way then was answered', () => {
  const memory = new SignInMemory()
  memory.remember(device('a'), 'secret', 1_000)
  memory.doubt('a', 2_000)
  memory.doubt('new', 2_000)
  memory.remember(device('a'), 'secret', 1_999)
  memory.remember(device('new'), 'secret', 1_999)
  memory.confirm({ name: 'a', hash: hashSecret('a') }, 1_999)
  expect(memory.find(proofOf('a'), 3_000)).toBeUndefined()
  expect(memory.find(proofOf('new'), 3_000)).toBeUndefined()
  memory.confirm({ name: 'a', hash: hashSecret('other') }, 2_001)
  expect(memory.find(proofOf('a'), 3_000)).toBeUndefined()
  memory.confirm({ name: 'a', hash: hashSecret('a') }, 2_001)
  memory.remember(device('new'), 'secret', 2_001)
  expect(memory.find(proofOf('a'), 3_000)).toEqual(device('a'))
  expect(memory.find(proofOf('new'), 3_000)).toEqual(device('new'))
})

it('R-AWAY-14 somebody who guesses wrong takes nothing from it; the database refusing what it knows does', () => {
  const memory = new SignInMemory()
  memory.remember(device('a'), 'secret', performance.now())
  memory.refused(proofOf('a', 'guessed'))
  expect(memory.find(proofOf('a'))).toEqual(device('a'))
  memory.refused(proofOf('a'))
  expect(memory.find(proofOf('a'))).toBeUndefined()
})

it('R-AWAY-15 it is bounded, and forgets whoever was confirmed longest ago first', () => {
  const memory = new SignInMemory()
  for (let n = 0; n < rememberedMax; n++) memory.remember(device(`d${n}`), 'secret', 1_000)
  memory.confirm({ name: 'd0', hash: hashSecret('d0') }, 2_000)
  memory.remember(device('last'), 'secret', 2_000)
  const isKnown = (name: string) => memory.find(proofOf(name), 3_000) !== undefined
  expect(['d0', 'd1', 'd2', 'last'].map(isKnown)).toEqual([true, false, true, true])
})
