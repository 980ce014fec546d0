/** What a page shows of a device; metrics absent: all of it. */
export type Source = { deviceId: string; metrics?: readonly string[] }

/** One source for each device, so that two charts of one device share a request. In order of appearance. */
export function mergeSources(sources: readonly Source[]): Source[] {
  const merged = new Map<string, Source>()
  for (const { deviceId, metrics } of sources) {
    const known = merged.get(deviceId)
    const isAll = metrics === undefined || (known !== undefined && known.metrics === undefined)
    const all = [...new Set([...(known?.metrics ?? []), ...(metrics ?? [])])].sort()
    merged.set(deviceId, isAll ? { deviceId } : { deviceId, metrics: all })
  }
  return [...merged.values()]
}
