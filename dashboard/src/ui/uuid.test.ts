import { expect, it } from 'vitest'
import { uuidFromBytes } from './uuid.ts'

it('uuidFromBytes sets version 4 and the variant, and keeps the rest', () => {
  expect(uuidFromBytes(new Uint8Array(16))).toBe('00000000-0000-4000-8000-000000000000')
  expect(uuidFromBytes(new Uint8Array(16).fill(255))).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff')
})
