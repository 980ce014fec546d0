const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The length of the UTF-8 sequence a lead byte announces. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1
  if (lead < 0xe0) return 2
  return lead < 0xf0 ? 3 : 4
}

/** Bytes for a person: text as it is, everything that is not text, control characters included, as \xNN. */
export function showBytes(bytes: Uint8Array): string {
  let shown = ''
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] as number)
    const text = decode(bytes.subarray(at, at + length))
    // A sequence that does not decode gives up its first byte only: the next may begin a good one.
    shown += text ?? escapeByte(bytes[at] as number)
    at += text === undefined ? 1 : length
  }
  return shown
}

function decode(sequence: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(sequence)
    const code = text.codePointAt(0) ?? 0
    const isControl = (code < 0x20 && text !== '\n' && text !== '\t') || (code >= 0x7f && code < 0xa0)
    return isControl ? undefined : text
  } catch {
    return undefined
  }
}

function escapeByte(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}
