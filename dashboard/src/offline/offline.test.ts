import { describe, expect, it } from 'vitest'
import { ApiError } from '../api.ts'
import { planForLostPart } from './lost-part.ts'
import { isAway, retryDelayMs } from './retry.ts'
import { TypedFields } from './unsaved.ts'
import { entryOf } from './version.ts'
import { lostAssets, routeOf } from './worker-rules.ts'

const origin = 'https://telltale.example'
const shell = ['/', '/theme.js', '/assets/index-1.js']

describe('what the worker answers', () => {
  it.each([
    ['a page', '/devices/kitchen?range=1h', 'navigate', 'page'],
    ['the first page', '/', 'navigate', 'page'],
    ['a hashed file', '/assets/device-9f.js', 'cors', 'asset'],
    ['a file of the shell', '/theme.js', 'no-cors', 'loose'],
    ['the API', '/api/v1/devices', 'cors', null],
    ['the stream', '/api/v1/events?devices=*', 'cors', null],
    ['a page of the API', '/docs', 'navigate', null],
    ['readiness', '/readyz', 'cors', null],
    ['the look for a new version', '/', 'cors', null],
    ['another file', '/icon-512.png', 'no-cors', null],
  ] as const)('O-OFFLINE-1 %s', (_, path, mode, route) => {
    expect(routeOf({ method: 'GET', mode, url: origin + path }, origin, shell)).toBe(route)
  })

  it('O-OFFLINE-2 what writes, and what is elsewhere, is none of its business', () => {
    expect(routeOf({ method: 'POST', mode: 'navigate', url: `${origin}/sign-in` }, origin, shell)).toBeNull()
    expect(
      routeOf({ method: 'GET', mode: 'cors', url: 'https://other/assets/x.js' }, origin, shell),
    ).toBeNull()
  })

  it('O-OFFLINE-3 a new build forgets the files of the one before', () => {
    expect(lostAssets(['/assets/a-1.js', '/assets/b-1.js'], ['/assets/b-1.js'])).toEqual(['/assets/a-1.js'])
  })
})

describe('without the server', () => {
  const refusal = (status: number) =>
    new ApiError({ type: 'about:blank', title: 'x', status, code: 'x', requestId: '' })

  it('O-OFFLINE-4 away is no answer, or that of a proxy; a refusal is an answer', () => {
    expect([0, 502, 503, 504].map((status) => isAway(refusal(status)))).toEqual([true, true, true, true])
    expect([401, 403, 500].map((status) => isAway(refusal(status)))).toEqual([false, false, false])
    expect(isAway(new TypeError('a fault of ours'))).toBe(false)
  })

  it('O-OFFLINE-5 it is tried again after ever longer waits, up to a quarter of a minute', () => {
    const delays = [1, 2, 3, 4, 5, 20].map((failures) => retryDelayMs(failures, 0.5))
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000])
  })
})

describe('after an upgrade', () => {
  const lost = {
    served: 'another',
    hasUnsaved: false,
    reloadedFor: null,
    part: '/assets/device-1.js',
  } as const

  it.each([
    { case: 'is loaded anew', facts: {}, plan: 'reload' },
    { case: 'stays while something is typed', facts: { hasUnsaved: true }, plan: 'announce' },
    { case: 'is loaded anew once, never in a loop', facts: { reloadedFor: lost.part }, plan: 'announce' },
    { case: 'stays when the build is the same', facts: { served: 'this' as const }, plan: 'nothing' },
    { case: 'stays without a network', facts: { served: 'unreachable' as const }, plan: 'nothing' },
  ])('O-UPGRADE-1 a page that misses a part $case', ({ facts, plan }) => {
    expect(planForLostPart({ ...lost, ...facts })).toBe(plan)
  })

  it('O-UPGRADE-2 a build is known by the module its page begins with', () => {
    const page =
      '<script src="/theme.js"></script><script type="module" crossorigin src="/assets/index-B1.js">'
    expect(entryOf(page)).toBe('/assets/index-B1.js')
    expect(entryOf('<title>a proxy</title>')).toBeNull()
  })

  it('O-UPGRADE-3 what was typed counts until its field is gone or empty; a search never does', () => {
    const typed = new TypedFields()
    const field = { value: 'Bay 7', isConnected: true, closest: () => null }
    typed.note({ value: 'pump', isConnected: true, closest: () => ({}) })
    expect(typed.some()).toBe(false)
    typed.note(field)
    expect(typed.some()).toBe(true)
    field.value = ''
    expect(typed.some()).toBe(false)
    field.value = 'Bay 8'
    field.isConnected = false
    expect(typed.some()).toBe(false)
  })
})
