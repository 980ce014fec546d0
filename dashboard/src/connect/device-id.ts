const deviceIdPattern = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/

/** `Bay 7 climate, north` → `bay-7-climate-north`: readable in a topic, typed by nobody. */
export function suggestId(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9_.]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 64)
}

export function idError(id: string): string | null {
  if (id === '' || deviceIdPattern.test(id)) return null
  if (id.startsWith('.')) return 'An id does not start with a dot.'
  if (id.length > 64) return 'An id has at most 64 characters.'
  return 'Only letters, digits, “_”, “-” and “.”: the id is part of the MQTT topic.'
}
