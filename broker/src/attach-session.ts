import { limits } from '@telltale/infra/limits'
import type { Client } from 'aedes'
import { sendRetainedThrough } from './aedes-client.ts'
import { type Attachment, whoIs } from './attachment.ts'
import type { Diagnostics } from './diagnostics.ts'
import type { Peer } from './peer.ts'
import type { DeviceSession } from './presence.ts'
import { mayReceive } from './principals.ts'
import type { Sessions, StoredSession } from './sessions/sessions.ts'
import { StampClock } from './telemetry.ts'

/** Gives a client that has proved itself its MQTT session. */
export function attachSession(
  { sessions, diagnostics }: { sessions: Sessions; diagnostics: Diagnostics },
  {
    client,
    attachment,
    stored,
    close,
  }: { client: Client; attachment: Attachment; stored: StoredSession | undefined; close: () => unknown },
): void {
  const { principal } = attachment
  const who = whoIs(client, attachment)
  const { platformBufferBytesMax, bufferBytesMax, stuckMs } = limits.sessions
  sessions.attach(client, {
    sessionId: client.id,
    stored,
    bufferBytesMax: principal.kind === 'platform' ? platformBufferBytesMax : bufferBytesMax,
    mayReceive: (topic) => mayReceive(principal, topic),
    onDropped: (count, limit) => {
      const detail = `${count} messages to it were dropped`
      diagnostics.report({ ...who, code: 'queue_overflow', detail, ...(limit && { limit }) })
      // The API tells browsers to refetch after its link was lost, and only then: a hole in an open one stays unknown.
      if (principal.kind === 'platform') close()
    },
    onStuck: () => {
      const seconds = stuckMs / 1_000
      const limit = { name: 'seconds without reading', value: seconds, allowed: seconds }
      const detail = 'it took nothing from its socket for too long'
      diagnostics.report({ ...who, code: 'slow_reader', detail, limit })
      close()
    },
  })
  sendRetainedThrough(client, (packet) => sessions.deliverRetained(client, packet))
}

/** One connection of a device, not written down yet. */
export function newSession(client: Client, deviceId: string, { address }: Peer): DeviceSession {
  return { deviceId, clientId: client.id, address, connectedAt: new Date(), clock: new StampClock() }
}
