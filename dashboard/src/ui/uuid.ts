/** `crypto.randomUUID` exists only on https and localhost; a dashboard on plain http in a LAN needs ids too. */
export function randomUuid(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  return uuidFromBytes(crypto.getRandomValues(new Uint8Array(16)))
}

/** RFC 9562 §5.4: version 4 in the 7th byte, the variant in the 9th. */
export function uuidFromBytes(bytes: Uint8Array): string {
  const fixed = Uint8Array.from(bytes)
  fixed[6] = ((fixed[6] ?? 0) & 0x0f) | 0x40
  fixed[8] = ((fixed[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(fixed, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
