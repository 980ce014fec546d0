import type { Client } from 'aedes'
import { type Attachment, endReasonOf } from './attachment.ts'
import type { ConnectionCount, PresenceReason } from './contract/index.ts'
import { principalName } from './principals.ts'

export interface CredentialInUse {
  name: string
  kind: 'device' | 'integration'
  hash: Buffer
}

/** Everybody who has proved who they are and is still connected. */
export class Clients {
  readonly #attachments = new Map<Client, Attachment>()
  /** By the name of the principal: ten thousand may lose their right at once. */
  readonly #byName = new Map<string, Set<Client>>()
  /** The live client of each device: a second one takes over whatever its client id. */
  readonly #devices = new Map<string, Client>()
  /** By client id: the newest connection. aedes' own list loses one when a successor dies before it took over. */
  readonly #byId = new Map<string, Client>()

  /** Devices only: the API's own link and integrations are not counted. */
  get deviceCount(): number {
    return this.#devices.size
  }

  /** A look at each, once a second; the API's own link is not counted. */
  connections(): ConnectionCount[] {
    const counts = new Map<string, ConnectionCount>()
    for (const { principal, peer } of this.#attachments.values()) {
      if (principal.kind === 'platform') continue
      const key = `${principal.kind} ${peer.listener}`
      const known = counts.get(key)
      if (known) known.count++
      else counts.set(key, { listener: peer.listener, who: principal.kind, count: 1 })
    }
    return [...counts.values()]
  }

  add(client: Client, attachment: Attachment): void {
    this.#attachments.set(client, attachment)
    const name = principalName(attachment.principal)
    const named = this.#byName.get(name)
    if (named) named.add(client)
    else this.#byName.set(name, new Set([client]))
  }

  get(client: Client): Attachment | undefined {
    return this.#attachments.get(client)
  }

  remove(client: Client): void {
    const attachment = this.#attachments.get(client)
    if (attachment) this.#forgetName(client, principalName(attachment.principal))
    this.#attachments.delete(client)
    if (this.#byId.get(client.id) === client) this.#byId.delete(client.id)
  }

  /** It takes over from whoever had its client id ([MQTT-3.1.4-2]). */
  connected(client: Client): void {
    const former = this.#byId.get(client.id)
    this.#byId.set(client.id, client)
    if (former && former !== client) former.close()
  }

  /** A client of this id has connected to another broker. Of a device the epoch decides (closeOlder). */
  closeById(clientId: string): void {
    const client = this.#byId.get(clientId)
    if (client && !this.#attachments.get(client)?.session) client.close()
  }

  connectedOf(clientIds: string[]): string[] {
    return clientIds.filter((clientId) => this.#byId.has(clientId))
  }

  all(): Iterable<[Client, Attachment]> {
    return this.#attachments
  }

  /** @returns the client it was before */
  setLive(deviceId: string, client: Client): Client | undefined {
    const former = this.#devices.get(deviceId)
    this.#devices.set(deviceId, client)
    return former === client ? undefined : former
  }

  live(deviceId: string): Client | undefined {
    return this.#devices.get(deviceId)
  }

  /** @returns whether this was the live one */
  endLive(deviceId: string, client: Client): boolean {
    return this.#devices.get(deviceId) === client && this.#devices.delete(deviceId)
  }

  /** Of everybody connected, each once. */
  names(): Iterable<string> {
    return this.#byName.keys()
  }

  /** The secret each connection of these proved itself with. */
  *credentialsInUse(names: Iterable<string>): Iterable<CredentialInUse> {
    for (const name of names)
      for (const client of this.#byName.get(name) ?? []) {
        const principal = this.#attachments.get(client)?.principal
        if (principal && principal.kind !== 'platform')
          yield { name, kind: principal.kind, hash: principal.credentialHash }
      }
  }

  /** All connections of a device or an integration. */
  closeNamed(name: string, reason: PresenceReason): void {
    for (const client of [...(this.#byName.get(name) ?? [])]) void this.close(client, reason)
  }

  /**
   * The device has connected to another broker; its session there is newer when its epoch is higher.
   * @returns the epoch of its session here when that is the newer one. The other broker may have heard of it before it
   *   knew its own, so it has to hear of it again.
   */
  closeOlder(deviceId: string, epoch: number): number | undefined {
    const client = this.#devices.get(deviceId)
    const own = client && this.#attachments.get(client)?.session?.epoch
    if (client === undefined || own === undefined) return undefined
    if (own < epoch) void this.close(client, 'taken_over')
    return own > epoch ? own : undefined
  }

  /** Wills lie: that of a device which was taken over is not sent. Integrations' are, as MQTT says. */
  mayWillSpeak(client: Client, attachment: Attachment): boolean {
    const { session } = attachment
    if (!session) return true
    const reason = endReasonOf(attachment)
    if (reason === 'taken_over' || reason === 'revoked') return false
    const live = this.#devices.get(session.deviceId)
    return live === undefined || live === client
  }

  /** Those that proved themselves with this secret. Resolves when they are gone, and what they leave is said. */
  async closeCredential(
    { name, hash }: { name: string; hash: Buffer },
    reason: PresenceReason,
  ): Promise<void> {
    const closing: Promise<void>[] = []
    for (const client of [...(this.#byName.get(name) ?? [])]) {
      const principal = this.#attachments.get(client)?.principal
      if (!principal || principal.kind === 'platform') continue
      if (principal.credentialHash.equals(hash)) closing.push(this.close(client, reason))
    }
    await Promise.all(closing)
  }

  /** Resolves when it is gone. */
  close(client: Client, reason: PresenceReason): Promise<void> {
    const attachment = this.#attachments.get(client)
    if (attachment) attachment.endReason ??= reason
    return new Promise((resolve) => client.close(resolve))
  }

  #forgetName(client: Client, name: string): void {
    const named = this.#byName.get(name)
    if (named?.delete(client) && named.size === 0) this.#byName.delete(name)
  }
}
