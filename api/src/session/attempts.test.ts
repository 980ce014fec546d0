import { expect, it } from 'vitest'
import { SignInAttempts } from './attempts.ts'

/** How many of these attempts are made without waiting. */
function made(attempts: SignInAttempts, count: number, from: (n: number) => [string, string | undefined]) {
  return Array.from({ length: count }, (_, n) => attempts.begin(...from(n))).filter((wait) => wait === 0)
    .length
}

it('S-BRUTE-2 wrong links count for their address alone: no stranger locks the links of everybody', () => {
  const attempts = new SignInAttempts(() => 0)
  expect(made(attempts, 200, (n) => [`10.1.${n}.1`, undefined])).toBe(200)
  expect(attempts.begin('10.0.0.7', undefined)).toBe(0)
  expect(made(attempts, 200, () => ['10.2.0.1', undefined])).toBe(20)
})

it('S-BRUTE-3 the /64 of an IPv6 customer is one address', () => {
  const attempts = new SignInAttempts(() => 0)
  const guess = (n: number) => made(attempts, 1, () => [`2001:db8:0:7::${n.toString(16)}`, `user${n}`])
  expect(Array.from({ length: 500 }, (_, n) => guess(n)).filter((one) => one > 0)).toHaveLength(20)
  expect(attempts.begin('2001:db8:0:8::1', 'user1')).toBe(0)
})

it('S-BRUTE-4 an account of one’s own gives no further guesses at others', () => {
  const attempts = new SignInAttempts(() => 0)
  let guesses = 0
  for (let n = 0; n < 500; n++) {
    guesses += made(attempts, 1, () => ['10.0.0.1', `user${n}`])
    if (n % 4 === 0 && attempts.begin('10.0.0.1', 'mallory') === 0) attempts.succeeded('10.0.0.1', 'mallory')
  }
  expect(guesses).toBe(20)
})

it('S-BRUTE-5 an office behind one address signs in all day, with a wrong password every minute', () => {
  let now = 0
  const attempts = new SignInAttempts(() => now)
  for (let minute = 0; minute < 600; minute++, now += 60_000) {
    for (let n = 0; n < 5; n++) {
      expect(attempts.begin('10.0.0.1', `user${minute}-${n}`)).toBe(0)
      attempts.succeeded('10.0.0.1', `user${minute}-${n}`)
    }
    expect(attempts.begin('10.0.0.1', `tired${minute}`)).toBe(0)
  }
})
