import { describe, expect, it } from 'vitest'
import { nameError, rightsWords, tryLines } from './words.ts'

const login = { host: 'telltale.local', port: 1884, username: '@node-red', secret: 'q7Vk-2mRp' }

describe('rightsWords', () => {
  it.each([
    [{ read: true, write: false }, 'may read'],
    [{ read: false, write: true }, 'may write'],
    [{ read: true, write: true }, 'may read and write'],
  ])('%o', (rights, words) => {
    expect(rightsWords(rights)).toBe(words)
  })
})

describe('nameError', () => {
  it('lets through what can be a user name', () => {
    expect([nameError('node-red'), nameError('home.assistant_2'), nameError('')]).toEqual([null, null, null])
  })

  it.each(['.hidden', 'node red', '@node-red', 'x'.repeat(65)])('%s gets a sentence', (name) => {
    expect(nameError(name)).toContain('user name')
  })
})

describe('tryLines', () => {
  it('has one line for each right', () => {
    const labels = (read: boolean, write: boolean) =>
      tryLines(login, { read, write }).map(({ label }) => label)
    expect(labels(true, false)).toEqual(['mosquitto_sub'])
    expect(labels(false, true)).toEqual(['mosquitto_pub'])
    expect(labels(true, true)).toEqual(['mosquitto_sub', 'mosquitto_pub'])
  })

  it('carries host, port, user name and secret, and writes to no topic of a device', () => {
    const lines = tryLines(login, { read: true, write: true })
    for (const { text } of lines)
      for (const part of ['telltale.local', '1884', "'@node-red'", "'q7Vk-2mRp'"])
        expect(text).toContain(part)
    expect(lines[1]?.text).not.toContain('devices/')
  })
})
