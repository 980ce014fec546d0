import type { LiveClient } from './client.ts'

type Watching = Pick<LiveClient, 'whenWatched' | 'isWatched'>

/** Reads what is stored of devices so that nothing can fall between the answer and the events that follow it. */
export async function readWatched<T>(
  live: Watching,
  deviceIds: readonly string[],
  read: () => Promise<T>,
): Promise<T> {
  await live.whenWatched(deviceIds)
  const wasWatched = live.isWatched(deviceIds)
  const answer = await read()
  // The watching began behind our back: events between the answer and its beginning are in neither.
  return !wasWatched && live.isWatched(deviceIds) ? read() : answer
}
