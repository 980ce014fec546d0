import { limits } from '@telltale/infra/limits'
import type { Client } from 'aedes'
import { type Attachment, whoIs } from './attachment.ts'
import type { Diagnostics } from './diagnostics.ts'
import { maySubscribe, type Principal } from './principals.ts'
import { NO_SUBSCRIPTION } from './sessions/for-aedes.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { Subscription } from './sessions/store.ts'

export interface SubscribingDeps {
  sessions: Sessions
  diagnostics: Diagnostics
  limits: { deviceSubscriptions: number }
}

/** From a SUBSCRIBE to the moment it may be granted. */
export class Subscribing {
  readonly #deps: SubscribingDeps

  constructor(deps: SubscribingDeps) {
    this.#deps = deps
  }

  /** @returns whether it is granted; @throws when it could not be kept, and the connection must end */
  async subscribe(
    client: Client,
    attachment: Attachment | undefined,
    subscription: Subscription,
  ): Promise<boolean> {
    const { sessions, diagnostics } = this.#deps
    const attached = sessions.find(client)
    const { filter } = subscription
    if (!attachment || !attached || filter === NO_SUBSCRIPTION) return false
    const { principal, isOpen } = attachment
    const who = whoIs(client, attachment)
    if (!maySubscribe(principal, filter)) {
      diagnostics.report({ ...who, code: 'forbidden_filter', detail: `it may not subscribe to ${filter}` })
      return false
    }
    // Who queues knows no rights: a stored session would be filled with what it may not get.
    if (isPartly(principal, filter) && !attached.outbox.isClean) {
      const detail = `with a stored session it may not subscribe to ${filter}, which matches more than it may receive`
      diagnostics.report({ ...who, code: 'forbidden_filter', detail })
      return false
    }
    const allowed = this.#allowed(principal)
    const value = attached.filters.size + 1
    if (value > allowed && !attached.filters.has(filter)) {
      const limit = { name: 'subscriptions', value, allowed }
      diagnostics.report({ ...who, code: 'limit_subscriptions', detail: `no room for ${filter}`, limit })
      return false
    }
    // Before CONNACK they are those of the stored session.
    await sessions.subscribe(client, subscription, !isOpen)
    return true
  }

  #allowed({ kind }: Principal): number {
    if (kind === 'device') return this.#deps.limits.deviceSubscriptions
    return kind === 'integration' ? limits.sessions.integrationSubscriptionsMax : Number.POSITIVE_INFINITY
  }
}

/** A filter that matches more than this integration may receive. */
function isPartly(principal: Principal, filter: string): boolean {
  return principal.kind === 'integration' && !(principal.read && principal.write) && /^[#+]/.test(filter)
}
