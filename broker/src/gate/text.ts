import { isUtf8 } from 'node:buffer'
import { Fault } from './fault.ts'

const NUL = 0
const HASH = 0x23
const PLUS = 0x2b
const SLASH = 0x2f
/** From here on a byte is part of a longer sequence, and none of the bytes above can be. */
const NOT_ASCII = 0x80

/**
 * Text as [MQTT-1.5.3-1] and [MQTT-1.5.3-2] demand it: well-formed UTF-8 (so no surrogates), no U+0000. Control
 * characters and non-characters are allowed, and U+FEFF stays ([MQTT-1.5.3-3]).
 */
export function checkText(bytes: Buffer, from: number, to: number): void {
  let isAscii = true
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number
    if (byte === NUL) throw new Fault('malformed', 'a text holds U+0000')
    if (byte >= NOT_ASCII) isAscii = false
  }
  if (!isAscii) checkUtf8(bytes, from, to)
}

/** The topic of a message: no wildcards ([MQTT-3.3.2-2]), at least one character ([MQTT-4.7.3-1]). */
export function checkTopicName(bytes: Buffer, from: number, to: number, levelsMax: number): void {
  if (from === to) throw new Fault('malformed', 'a topic is empty')
  let levels = 1
  let isAscii = true
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number
    if (byte === SLASH) levels++
    else if (byte >= NOT_ASCII) isAscii = false
    else if (byte === HASH || byte === PLUS)
      throw new Fault('malformed', 'a message’s topic holds a wildcard')
    else if (byte === NUL) throw new Fault('malformed', 'a topic holds U+0000')
  }
  if (levels > levelsMax) throw tooManyLevels(levels, levelsMax)
  if (!isAscii) checkUtf8(bytes, from, to)
}

/** `#` stands last and fills its level ([MQTT-4.7.1-2]), `+` fills its level ([MQTT-4.7.1-3]). */
export function checkTopicFilter(bytes: Buffer, from: number, to: number, levelsMax: number): void {
  if (from === to) throw new Fault('malformed', 'a topic filter is empty')
  checkText(bytes, from, to)
  let levels = 1
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number
    if (byte === SLASH) levels++
    if (byte !== HASH && byte !== PLUS) continue
    const beginsLevel = i === from || bytes[i - 1] === SLASH
    const endsLevel = i + 1 === to || (byte === PLUS && bytes[i + 1] === SLASH)
    if (!beginsLevel || !endsLevel) throw new Fault('malformed', 'a wildcard stands where none may')
  }
  if (levels > levelsMax) throw tooManyLevels(levels, levelsMax)
}

function checkUtf8(bytes: Buffer, from: number, to: number): void {
  if (!isUtf8(bytes.subarray(from, to))) throw new Fault('malformed', 'a text is not well-formed UTF-8')
}

function tooManyLevels(levels: number, levelsMax: number): Fault {
  return new Fault('too_many_levels', `a topic has ${levels} levels; at most ${levelsMax}`)
}
