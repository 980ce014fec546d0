import { describe, expect, it } from 'vitest'
import { highlight, snippets } from './snippets.ts'

const connection = { host: 'telltale.local', port: 1884, deviceId: 'bay-07', secret: 'q7Vk-2mRp' }

describe('snippets', () => {
  it.each(snippets(connection))('$label carries host, port, user, secret and topic', ({ text }) => {
    for (const part of ['telltale.local', '1884', 'bay-07', 'q7Vk-2mRp', 'devices/bay-07/telemetry']) {
      expect(text).toContain(part)
    }
  })
})

describe('highlight', () => {
  it('loses no character', () => {
    for (const { text } of snippets(connection)) {
      expect(
        highlight(text)
          .map((piece) => piece.text)
          .join(''),
      ).toBe(text)
    }
  })

  it('knows a comment from an include and an address', () => {
    expect(highlight('# pip install x')[0]?.kind).toBe('comment')
    expect(highlight('#include <WiFi.h>')[0]?.kind).toBe('plain')
    expect(highlight('x = "mqtt://a:1"')).toContainEqual({ kind: 'string', text: '"mqtt://a:1"' })
  })
})
