import type { Latest } from '@telltale/api/contract'

export type Position = { latitude: number; longitude: number; time: number }
type Names = { latitude: string; longitude: string }

/** Both numbers, on this planet; as old as the older of the two. */
export function positionOf(values: Latest['values'], names: Names): Position | null {
  const [latitude, longitude] = [values[names.latitude], values[names.longitude]]
  if (typeof latitude?.value !== 'number' || typeof longitude?.value !== 'number') return null
  if (Math.abs(latitude.value) > 90 || Math.abs(longitude.value) > 180) return null
  const time = Math.min(latitude.time, longitude.time)
  return { latitude: latitude.value, longitude: longitude.value, time }
}

/** Five decimals are about a metre. */
export function positionText({ latitude, longitude }: Position): string {
  return `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`
}
