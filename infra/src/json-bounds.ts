/**
 * Whether parsed JSON nests deeper, or has more values in all, than it may. Without recursion: what is checked here
 * must not overflow the stack it protects.
 */
export function exceedsBounds(json: unknown, { levelsMax = Infinity, valuesMax = Infinity }): boolean {
  let values = 0
  let level: unknown[] = [json]
  for (let depth = 0; level.length > 0; depth++) {
    values += level.length
    if (depth > levelsMax || values > valuesMax) return true
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    )
  }
  return false
}
