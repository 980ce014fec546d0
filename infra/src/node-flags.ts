/**
 * What a program's Node process is started with. Under load each message lives for one commit, tens of milliseconds:
 * long enough to be copied by several collections of V8's default 16 MB nursery. With 64 MB the broker stores a
 * quarter more (measured); the room is only taken under load.
 */
export const nodeFlags: Record<'broker' | 'api' | 'device-simulator', string[]> = {
  broker: ['--max-semi-space-size=64'],
  api: [],
  'device-simulator': [],
}
