import { createHash } from 'node:crypto'
import { limits } from '@telltale/infra/limits'
import { describe, expect, it } from 'vitest'
import { addressKey } from './address.ts'
import { Admission, type AdmissionOptions, type SignIn } from './admission.ts'

const { signIns, keysMax } = limits.admission
const HOME = '192.0.2.1'

function makeAdmission(changes: Partial<AdmissionOptions> = {}): Admission {
  return new Admission({
    connectionsMax: 1_000,
    connectionsPerAddressMax: 1_000,
    connectsPerAddressPerSecond: 1_000,
    deviceConnectsPerMinute: 30,
    ...changes,
  })
}

const signIn = (username: string, secret = 'wrong', address = HOME): SignIn => ({
  address,
  username,
  proof: createHash('sha256').update(secret).digest(),
})

/** Fails `count` times at `nowMs`, without asking first. */
function fail(admission: Admission, who: SignIn, count: number, nowMs: number): void {
  for (let i = 0; i < count; i++) admission.failed(who, nowMs)
}

describe('addresses', () => {
  it('M-ADMIT-1 count as IPv4 also when mapped, as /64 of IPv6, whatever way they are written', () => {
    const same: [string | undefined, string][] = [
      ['192.0.2.1', '192.0.2.1'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['::ffff:c000:201', '192.0.2.1'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
      ['2001:db8:1:2::', '2001:db8:1:2::/64'],
      ['2001:db8:1:2::192.0.2.1', '2001:db8:1:2::/64'],
      ['2001:0DB8:0001:0002::ffff', '2001:db8:1:2::/64'],
      ['2001:db8::1', '2001:db8:0:0::/64'],
      ['fe80::1%eth0', 'fe80:0:0:0::/64'],
      ['::1', '0:0:0:0::/64'],
      [undefined, 'unknown'],
      ['', 'unknown'],
    ]
    for (const [address, key] of same) expect(addressKey(address), String(address)).toBe(key)
  })
})

describe('connections', () => {
  it('M-ADMIT-2 have a number for each address and one for all, and a place is free again at once', () => {
    const admission = makeAdmission({ connectionsMax: 4, connectionsPerAddressMax: 2 })
    expect(admission.admit('2001:db8::1', 0)).toBeUndefined()
    expect(admission.admit('2001:db8::2', 0)).toBeUndefined()
    expect(admission.admit('2001:db8::3', 0)).toMatchObject({
      code: 'too_many_connections_of_address',
      limit: 'TELLTALE_CONNECTIONS_PER_ADDRESS',
      value: 2,
    })
    expect(admission.admit(HOME, 0)).toBeUndefined()
    expect(admission.admit('192.0.2.2', 0)).toBeUndefined()
    expect(admission.admit('192.0.2.3', 0)).toMatchObject({ code: 'too_many_connections', value: 4 })
    expect(admission.connections).toBe(4)
    admission.release('2001:db8::2')
    expect(admission.admit('2001:db8::4', 0)).toBeUndefined()
    for (const address of ['2001:db8::1', '2001:db8::4', HOME, '192.0.2.2']) admission.release(address)
    expect(admission.connections).toBe(0)
  })

  it('M-ADMIT-3 of one address come at a rate, and a refused one does not count', () => {
    const admission = makeAdmission({ connectsPerAddressPerSecond: 10 })
    const admitted = (nowMs: number) =>
      Array.from({ length: 50 }, () => admission.admit(HOME, nowMs)).filter((refusal) => !refusal).length
    expect(admitted(0)).toBe(10)
    expect(admission.admit(HOME, 0)).toMatchObject({
      code: 'too_many_connects_of_address',
      retryAfterMs: 100,
    })
    expect(admission.admit('192.0.2.2', 0)).toBeUndefined()
    expect(admitted(500)).toBe(5)
    expect(admitted(60_000)).toBe(10)
    expect(admission.connections).toBe(26)
  })
})

describe('sign-ins', () => {
  it('M-ADMIT-4 that fail make that name wait at that address, twice as long each time, up to a minute', () => {
    const admission = makeAdmission()
    const who = signIn('kitchen')
    let nowMs = 0
    fail(admission, who, signIns.free - 1, nowMs)
    expect(admission.maySignIn(who, nowMs)).toBeUndefined()
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      admission.failed(who, nowMs)
      expect(admission.maySignIn(who, nowMs)).toMatchObject({
        code: 'too_many_failed_sign_ins',
        retryAfterMs: seconds * 1_000,
      })
      expect(admission.maySignIn(signIn('kitchen', 'wrong', '192.0.2.2'), nowMs)).toBeUndefined()
      expect(admission.maySignIn(signIn('garage'), nowMs)).toBeUndefined()
      nowMs += seconds * 1_000
      expect(admission.maySignIn(who, nowMs)).toBeUndefined()
    }
    nowMs += signIns.forgetMs + 1
    admission.failed(who, nowMs)
    expect(admission.maySignIn(who, nowMs)).toBeUndefined()
  })

  it('M-ADMIT-5 that succeed halve what failed', () => {
    const admission = makeAdmission()
    const who = signIn('kitchen')
    fail(admission, who, signIns.free + 2, 0)
    expect(admission.maySignIn(who, 0)?.retryAfterMs).toBe(4_000)
    admission.succeeded(signIn('kitchen', 'right'), 4_000)
    expect(admission.maySignIn(who, 4_000)).toBeUndefined()
    fail(admission, who, signIns.free / 2 - 2, 4_000)
    expect(admission.maySignIn(who, 4_000)).toBeUndefined()
    fail(admission, who, 1, 4_000)
    expect(admission.maySignIn(who, 4_000)?.retryAfterMs).toBe(1_000)
  })

  it('M-ADMIT-6 nobody is locked out by others at the same address, not even in their own name', () => {
    const admission = makeAdmission()
    const right = signIn('kitchen', 'right')
    admission.succeeded(right, 0)
    // Somebody guesses for that name, and for many others, as fast as they can.
    for (let nowMs = 0; nowMs < 60_000; nowMs += 100) {
      for (let i = 0; i < 20; i++) {
        for (const guess of [signIn('kitchen'), signIn(`device-${nowMs}-${i}`)])
          if (!admission.maySignIn(guess, nowMs)) admission.failed(guess, nowMs)
      }
      expect(admission.maySignIn(right, nowMs)).toBeUndefined()
    }
    expect(admission.maySignIn(signIn('kitchen'), 60_000)).toBeDefined()
    // A newcomer waits for the rate of the address only: milliseconds.
    const refusal = admission.maySignIn(signIn('newcomer', 'right'), 60_000)
    expect(refusal?.retryAfterMs ?? 0).toBeLessThan(1_000)
  })

  it('M-ADMIT-7 of many names at one address cause a bounded number of look-ups', () => {
    const admission = makeAdmission()
    let lookedAt = 0
    for (let nowMs = 0; nowMs < 100_000; nowMs += 10)
      for (let i = 0; i < 10; i++) {
        const guess = signIn(`guess-${nowMs}-${i}`)
        if (admission.maySignIn(guess, nowMs)) continue
        lookedAt++
        admission.failed(guess, nowMs)
      }
    const { failuresPerAddressPerSecond, burstSeconds } = signIns
    expect(lookedAt).toBeLessThanOrEqual(failuresPerAddressPerSecond * (100 + burstSeconds) + 1)
    expect(lookedAt).toBeGreaterThan(failuresPerAddressPerSecond * 99)
  })

  it('M-ADMIT-8 are forgotten when too many are remembered, the one longest not seen first', () => {
    const admission = makeAdmission()
    const first = signIn('first', 'wrong', '10.0.0.1')
    fail(admission, first, signIns.free, 0)
    expect(admission.maySignIn(first, 0)).toBeDefined()
    const insistent = signIn('insistent', 'wrong', '10.0.0.2')
    fail(admission, insistent, signIns.free, 0)
    for (let i = 0; i < keysMax + 2_000; i++) {
      admission.failed(signIn('x'.repeat(1_000), 'wrong', `address-${i}`), 0)
      if (i % 1_000 === 0) expect(admission.maySignIn(insistent, 0)).toBeDefined()
    }
    expect(admission.maySignIn(first, 0)).toBeUndefined()
  })
})

describe('a device', () => {
  it('M-ADMIT-9 that connects again and again is held off for a while, others are not', () => {
    const admission = makeAdmission({ deviceConnectsPerMinute: 3 })
    for (let i = 0; i < 3; i++) expect(admission.mayConnect('kitchen', 0)).toBeUndefined()
    const held = { code: 'flapping', limit: 'TELLTALE_DEVICE_CONNECTS_PER_MINUTE', value: 3 }
    expect(admission.mayConnect('kitchen', 0)).toMatchObject({ ...held, retryAfterMs: 30_000 })
    expect(admission.mayConnect('garage', 0)).toBeUndefined()
    expect(admission.mayConnect('kitchen', 29_000)).toMatchObject({ ...held, retryAfterMs: 1_000 })
    expect(admission.mayConnect('kitchen', 30_000)).toBeUndefined()
    expect(admission.mayConnect('kitchen', 30_000)).toMatchObject({ retryAfterMs: 30_000 })
    for (let nowMs = 60_000; nowMs < 600_000; nowMs += 20_000)
      expect(admission.mayConnect('kitchen', nowMs)).toBeUndefined()
  })
})
