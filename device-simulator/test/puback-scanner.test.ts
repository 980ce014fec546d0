import { describe, expect, test } from 'vitest'
import { PubackScanner } from '../bench/puback-scanner.ts'

function puback(packetId: number): number[] {
  return [0x40, 0x02, packetId >> 8, packetId & 0xff]
}

function scan(...chunks: Uint8Array[]): number[] {
  const scanner = new PubackScanner()
  const seen: number[] = []
  for (const chunk of chunks) scanner.scan(chunk, (packetId) => seen.push(packetId))
  return seen
}

// 0x4002 is an id that looks like a PUBACK's first two bytes.
const ids = [1, 0x4002, 65_535, 0x0240]
const bytes = Uint8Array.from(ids.flatMap(puback))

describe('PubackScanner', () => {
  test('finds every packet in one chunk', () => {
    expect(scan(bytes)).toEqual(ids)
  })

  test('finds them cut at every pair of places', () => {
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const chunks = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]
        expect(scan(...chunks), `cut at ${first} and ${second}`).toEqual(ids)
      }
    }
  })

  test('finds them byte by byte', () => {
    expect(scan(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(ids)
  })

  test('reports nothing of a packet that is not complete', () => {
    expect(scan(bytes.subarray(0, 7))).toEqual([1])
  })

  test('refuses anything else, also across a cut', () => {
    expect(() => scan(Uint8Array.of(0x90, 0x03, 0, 1, 0))).toThrow('expected a PUBACK')
    expect(() => scan(Uint8Array.of(0x40), Uint8Array.of(0x03, 0, 1))).toThrow('expected a PUBACK')
  })
})
