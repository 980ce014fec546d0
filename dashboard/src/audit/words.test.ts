import type { AuditEntry } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { readAuditSearch } from './search.ts'
import { actionWords, actorWords, targetWords, toCsv } from './words.ts'

const entry: AuditEntry = {
  id: 1,
  at: '2026-11-23T12:00:00.000Z',
  actor: 'rosa',
  action: 'device.change',
  target: 'pump-1',
  detail: { name: 'A "pump", big' },
  result: 'ok',
  address: '10.0.0.7',
}

describe('actionWords', () => {
  it('reads as a sentence; what failed was tried', () => {
    expect(actionWords(entry)).toBe('changed the device')
    expect(actionWords({ action: 'session.start', result: 'failed' })).toBe('tried: signed in')
    expect(actionWords({ action: 'lamp.polish', result: 'ok' })).toBe('lamp.polish')
  })
})

describe('actorWords', () => {
  it.each([
    ['rosa', 'rosa'],
    ['token:ci', 'token ci'],
    ['-', 'nobody signed in'],
  ])('%s', (actor, words) => {
    expect(actorWords(actor)).toBe(words)
  })
})

describe('targetWords', () => {
  it('says the name where the target is an id that says nothing', () => {
    const target = '3805bb65-ac4e-4650-b4c2-0902e5611186'
    expect(targetWords({ target, detail: { name: 'Cellar' } })).toBe('Cellar')
    expect(targetWords({ target, detail: null })).toBe(target)
    expect(targetWords({ target: 'pump-1', detail: { name: 'Pump' } })).toBe('pump-1')
    expect(targetWords({ target: null, detail: null })).toBe('')
  })
})

describe('toCsv', () => {
  it('quotes what needs it', () => {
    const [head, line] = toCsv([entry]).split('\r\n')
    expect(head).toBe('at,actor,action,target,result,address,detail')
    expect(line).toBe(
      '2026-11-23T12:00:00.000Z,rosa,device.change,pump-1,ok,10.0.0.7,"{""name"":""A \\""pump\\"", big""}"',
    )
  })

  it('lets no text run as a formula', () => {
    const [, line = ''] = toCsv([
      { ...entry, actor: '-', target: '=1+1', detail: null, address: null },
    ]).split('\r\n')
    expect(line).toBe("2026-11-23T12:00:00.000Z,'-,device.change,'=1+1,ok,,")
  })
})

describe('readAuditSearch', () => {
  it('takes what it knows, and nothing else', () => {
    expect(
      readAuditSearch({ actor: 7, action: '', target: ['x'], result: 'ok', since: '9y', more: 1 }),
    ).toEqual({
      actor: '7',
    })
    expect(readAuditSearch({ result: 'failed', since: '24h', action: 'user' })).toEqual({
      result: 'failed',
      since: '24h',
      action: 'user',
    })
  })
})
