import { describe, expect, it } from 'vitest'
import { passwordProblem } from './password-rules.ts'

describe('U-PASSWORD-1 the rules of a new password', () => {
  it.each([
    'correct horse battery',
    'nine tall pines',
    'zK4!vv-902x',
    'пароль из слов',
    '🌲🌲🌳🌲🌳🌲🌲🌳🌲🌳',
    `${' '.repeat(4)}spaces count`,
    'testing the waters',
    `${'x'.repeat(255)}y`,
  ])('%s will do', (password) => {
    expect(passwordProblem(password, 'sam')).toBeUndefined()
  })

  it.each([
    ['short', /at least 10 characters and has 5/],
    // Characters, not code units.
    ['🌲🌳🌲🌳🌲🌳🌲🌳🌲', /has 9/],
    [`${'x'.repeat(256)}y`, /more than 256/],
    ['Sam.Hill2026', /user name/],
    ['SAM-HILL!!!!', /user name/],
    ['Password123', /tried first/],
    ['p.a.s.s.w.o.r.d', /tried first/],
    ['Telltale2026', /tried first/],
    ['admin12345', /tried first/],
    ['1234567890', /tried first/],
    ['9876543210', /tried first/],
    ['aaaaaaaaaaaa', /tried first/],
    ['abcdefghijklmn', /tried first/],
  ])('%s is refused', (password, why) => {
    expect(passwordProblem(password, 'sam.hill')).toMatch(why)
  })
})
