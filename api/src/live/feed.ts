import type { PresencePayload, RejectedPayload, TotalsPayload } from '@telltale/broker/contract'
import type { Logger } from '@telltale/infra/log'
import type { Command } from '../contract/index.ts'
import { Coalescing } from './coalescing.ts'
import { decodeReadings } from './decode.ts'
import type { Hub } from './hub.ts'
import { liveLimits } from './limits.ts'
import type { Link, LinkMessage } from './link.ts'
import type { FleetTotals } from './totals.ts'

interface Feed {
  hub: Hub
  totals: FleetTotals
  /** By device. */
  rejected: Coalescing<RejectedPayload>
  /** By command. */
  progress: Coalescing<Command>
}

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
  const onError = (error: unknown) => log.warn({ err: error }, 'a live event could not be told')
  const feed: Feed = {
    hub,
    totals,
    rejected: new Coalescing(liveLimits.coalesceMs, {
      tell: (data, count) => hub.publish({ type: 'rejected', data: { ...data, count } }),
      onError,
    }),
    progress: new Coalescing(liveLimits.coalesceMs, {
      tell: (command) => hub.publishCommand(command),
      onError,
    }),
  }
  link.start({
    onMessage: (message) => {
      try {
        receive(message, feed)
      } catch (error) {
        log.warn({ err: error, kind: message.kind }, 'a message of the broker could not be read')
      }
    },
    // The first time too: streams, polls and sockets may have come before the broker.
    onUp: () => hub.resync('the broker link was lost'),
  })
  hub.start(() => hub.publishTotals({ time: Date.now(), ...totals.sum() }))
}

function receive(message: LinkMessage, feed: Feed): void {
  const { hub } = feed
  if (message.kind === 'readings') {
    for (const event of decodeReadings(message.deviceId, message.payload)) hub.publish(event)
    return
  }
  const body: unknown = JSON.parse(message.payload.toString())
  switch (message.kind) {
    // As they come: a device that connects again and again is held off by the broker.
    case 'presence':
      return hub.publish({ type: 'presence', data: body as PresencePayload })
    case 'rejected':
      return feed.rejected.add((body as RejectedPayload).deviceId, body as RejectedPayload)
    case 'command':
      return receiveCommand(body as Command, feed)
    case 'totals':
      return feed.totals.update(body as TotalsPayload)
  }
}

/** While it is accepted a device may say how far it is as often as it likes. Steps are told as they come. */
function receiveCommand(command: Command, { hub, progress }: Feed): void {
  if (command.status === 'accepted') progress.add(command.id, command)
  // What is held back of it is dropped when its time comes: status never steps back.
  else hub.publishCommand(command)
}
