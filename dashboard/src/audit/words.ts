import type { AuditEntry } from '@telltale/api/contract'

/** What an action is called; the target follows. Others are shown as they are. */
const words = new Map([
  ['session.start', 'signed in'],
  ['session.end', 'signed out'],
  ['session.revoke', 'ended a session of'],
  ['password.change', 'changed the password of'],
  ['user.create', 'added the user'],
  ['user.change', 'changed the user'],
  ['user.reset', 'reset the sign-in of'],
  ['user.delete', 'deleted the user'],
  ['token.create', 'made the token'],
  ['token.revoke', 'revoked the token'],
  ['device.create', 'registered the device'],
  ['device.change', 'changed the device'],
  ['device.change_many', 'changed many devices'],
  ['device.delete', 'deleted the device'],
  ['device.enrol', 'a device enrolled itself:'],
  ['credential.create', 'made a secret for'],
  ['credential.revoke', 'revoked a secret of'],
  ['enrolment.approve', 'let in the device'],
  ['enrolment.reject', 'refused the device'],
  ['integration.create', 'made the integration'],
  ['integration.revoke', 'revoked the integration'],
  ['type.save', 'described the type'],
  ['type.put', 'described the type'],
  ['type.delete', 'deleted the type'],
  ['command.send', 'sent a command to'],
  ['command.cancel', 'cancelled a command of'],
  ['command.send_many', 'sent a command to many'],
  ['command.stop_many', 'stopped a command to many'],
  ['board.create', 'made the board'],
  ['board.change', 'changed the board'],
  ['board.delete', 'deleted the board'],
])

/** What one can look for, by the noun of its actions. */
export const kinds = [
  { action: 'session', label: 'Sign-ins' },
  { action: 'password', label: 'Passwords' },
  { action: 'user', label: 'Users' },
  { action: 'token', label: 'Tokens' },
  { action: 'device', label: 'Devices' },
  { action: 'credential', label: 'Device secrets' },
  { action: 'enrolment', label: 'Enrolments' },
  { action: 'command', label: 'Commands' },
  { action: 'type', label: 'Device types' },
  { action: 'integration', label: 'Integrations' },
  { action: 'board', label: 'Boards' },
] as const

export function actionWords({ action, result }: Pick<AuditEntry, 'action' | 'result'>): string {
  const known = words.get(action) ?? action
  return result === 'ok' ? known : `tried: ${known}`
}

export function actorWords(actor: string): string {
  if (actor === '-') return 'nobody signed in'
  return actor.startsWith('token:') ? `token ${actor.slice('token:'.length)}` : actor
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What it was about, by its name where the target is an id that says nothing. */
export function targetWords({ target, detail }: Pick<AuditEntry, 'target' | 'detail'>): string {
  const name = detail?.name
  return target !== null && UUID.test(target) && typeof name === 'string' ? name : (target ?? '')
}

const columns = ['at', 'actor', 'action', 'target', 'result', 'address', 'detail'] as const

/** What is loaded, for a spreadsheet. */
export function toCsv(entries: readonly AuditEntry[]): string {
  const lines = entries.map((entry) => columns.map((column) => cell(entry[column])).join(','))
  return [columns.join(','), ...lines, ''].join('\r\n')
}

/** RFC 4180; a text that a spreadsheet would run as a formula gets a quote before it. */
function cell(value: AuditEntry[(typeof columns)[number]]): string {
  if (value === null) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : value
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
