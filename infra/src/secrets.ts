import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** 256 random bits, 43 characters, safe in a shell, a URL and C source. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** Random 256-bit secrets need no slow hash; people's passwords do (argon2, in the API). */
export function hashSecret(secret: string | Buffer): Buffer {
  return createHash('sha256').update(secret).digest()
}

export function sameHash(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
