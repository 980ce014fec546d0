import type { ConnectionProblem } from '@telltale/api/contract'
import { describe, expect, it } from 'vitest'
import { attemptWords, limitWords, newestSince, strangerWords, tell, timesWords } from './words.ts'

const problem: ConnectionProblem = {
  id: '7',
  at: '2026-11-22T21:00:10.000Z',
  firstAt: '2026-11-22T21:00:00.000Z',
  count: 3,
  code: 'wrong_secret',
  cause: 'The password is not a secret of this device. Check what is programmed into it, or make a new one.',
  detail: 'wrong secret',
  address: '192.168.1.7',
  clientId: 'esp32',
}

describe('tell', () => {
  it('takes what happened from what to do', () => {
    const { title, advice } = tell(problem.cause)
    expect(title).toBe('The password is not a secret of this device.')
    expect(advice).toBe('Check what is programmed into it, or make a new one.')
  })

  it('is not caught out by a version, nor by a single sentence', () => {
    expect(tell('It speaks MQTT 3.1.1 badly. Ask.').title).toBe('It speaks MQTT 3.1.1 badly.')
    expect(tell('Nothing more is known.')).toEqual({ title: 'Nothing more is known.', advice: '' })
  })
})

describe('attemptWords', () => {
  it('says who tried, from where, and what was wrong', () => {
    expect(attemptWords(problem)).toBe(
      'Something tried to connect as this device from 192.168.1.7 with a wrong password.',
    )
    expect(attemptWords({ ...problem, address: null })).toBe(
      'Something tried to connect as this device with a wrong password.',
    )
  })

  it.each(['from_the_future', 'constructor', 'forbidden_topic'])('of %s it says the cause', (code) => {
    expect(attemptWords({ ...problem, code })).toBe('The password is not a secret of this device.')
  })
})

describe('strangerWords', () => {
  it('names the id that was given, if any', () => {
    const stranger = { ...problem, code: 'unknown_device', deviceId: 'bay-O7', registered: false }
    expect(strangerWords(stranger)).toBe(
      'Something tried to connect as “bay-O7” from 192.168.1.7, and there is no such device.',
    )
    expect(strangerWords({ ...stranger, deviceId: null, code: 'not_mqtt', cause: 'It is HTTP. Look.' })).toBe(
      'Something that gave no user name knocked from 192.168.1.7. It is HTTP.',
    )
  })
})

describe('newestSince', () => {
  const older = { ...problem, id: '6', at: '2026-11-22T20:00:00.000Z' }

  it('is the first of those that are new enough', () => {
    expect(newestSince([problem, older], Date.parse('2026-11-22T19:00:00Z'))?.id).toBe('7')
  })

  it('is none when all happened before', () => {
    expect(newestSince([problem, older], Date.parse('2026-11-22T21:00:10.001Z'))).toBeUndefined()
  })
})

describe('limitWords and timesWords', () => {
  it('read like a sentence', () => {
    expect(limitWords({ name: 'connections of one address', value: 1001, allowed: 1000 })).toBe(
      'connections of one address: 1,001, allowed 1,000',
    )
    expect([timesWords(1), timesWords(1200)]).toEqual(['once', '1,200 times'])
  })
})
