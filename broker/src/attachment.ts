import type { Client } from 'aedes'
import type { PresenceReason } from './contract/index.ts'
import type { Principal } from './devices.ts'
import type { InOrder } from './order.ts'
import type { DeviceSession } from './presence.ts'

/** What is known of a client from its authentication until it is gone; never derived from `client.id`. */
export interface Attachment {
  principal: Principal
  order: InOrder
  /** Devices only. */
  session?: DeviceSession
  /** Granted filters, counted here: aedes' own list is filled later than its hook is asked. */
  filters: Set<string>
  endReason?: PresenceReason
  /** An authenticated client of the same client id, about to make aedes close this one. */
  successor?: Client
}

/** A successor that died before it took over has taken nothing over. */
export function endReasonOf({ endReason, successor }: Attachment): PresenceReason | undefined {
  return endReason ?? (successor && !successor.closed ? 'taken_over' : undefined)
}
