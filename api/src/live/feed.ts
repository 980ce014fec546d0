import type { PresencePayload, RejectedPayload, TotalsPayload } from '@telltale/broker/contract'
import type { Logger } from '@telltale/infra/log'
import type { Command } from '../contract/index.ts'
import { decodeReadings } from './decode.ts'
import type { Hub } from './hub.ts'
import type { Link, LinkMessage } from './link.ts'
import type { FleetTotals } from './totals.ts'

/** Joins the link to the hub: what the broker says becomes live events. */
export function feedHub({
  link,
  hub,
  totals,
  log,
}: {
  link: Link
  hub: Hub
  totals: FleetTotals
  log: Logger
}): void {
  let wasUp = false
  link.start({
    onMessage: (message) => {
      try {
        receive(message, hub, totals)
      } catch (error) {
        log.warn({ err: error, kind: message.kind }, 'a message of the broker could not be read')
      }
    },
    onUp: () => {
      // The first time, only those who came before the broker have missed something.
      if (wasUp || hub.readerCount > 0) hub.resync('the broker link was lost')
      wasUp = true
    },
  })
  hub.start(() => hub.publishTotals({ time: Date.now(), ...totals.sum() }))
}

function receive(message: LinkMessage, hub: Hub, totals: FleetTotals): void {
  if (message.kind === 'readings') {
    for (const event of decodeReadings(message.deviceId, message.payload)) hub.publish(event)
    return
  }
  const body: unknown = JSON.parse(message.payload.toString())
  switch (message.kind) {
    case 'presence':
      return hub.publish({ type: 'presence', data: body as PresencePayload })
    case 'rejected':
      return hub.publish({ type: 'rejected', data: body as RejectedPayload })
    case 'command':
      return hub.publishCommand(body as Command)
    case 'totals':
      return totals.update(body as TotalsPayload)
  }
}
