import type { Integration } from '@telltale/api/contract'
import { idError } from '../connect/device-id.ts'
import { telemetryTopic } from '../connect/snippets.ts'

type Rights = Pick<Integration, 'read' | 'write'>

export function rightsWords({ read, write }: Rights): string {
  if (read && write) return 'may read and write'
  return read ? 'may read' : 'may write'
}

export function nameError(name: string): string | null {
  return idError(name) === null
    ? null
    : 'Up to 64 letters, digits, “_”, “-” and “.”, and no dot at the start: it becomes the user name.'
}

export type Login = { host: string; port: number; username: string; secret: string }

export type Line = { label: string; text: string }

/** Ready to paste, one for each right. They change nothing: the message written is on a topic of no device. */
export function tryLines({ host, port, username, secret }: Login, { read, write }: Rights): Line[] {
  const login = `-h ${host} -p ${port} -u '${username}' -P '${secret}'`
  const lines: Line[] = []
  if (read)
    lines.push({ label: 'mosquitto_sub', text: `mosquitto_sub ${login} -v -t '${telemetryTopic('+')}/#'` })
  if (write)
    lines.push({ label: 'mosquitto_pub', text: `mosquitto_pub ${login} -q 1 -t hello -m 'it works'` })
  return lines
}
