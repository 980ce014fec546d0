import type { Role } from '@telltale/api/contract'
import { ApiError } from '../api.ts'

export const roles = ['viewer', 'operator', 'admin'] as const satisfies readonly Role[]

/** What a role adds to the one before it. */
export const roleWords: Record<Role, string> = {
  viewer: 'Sees every device with its values and commands, and keeps boards of their own.',
  operator: 'Also sends commands, connects devices, changes and deletes them.',
  admin: 'Also describes device types, and manages users, tokens, integrations and settings.',
}

/** Everything a role may do, in sentences. */
export function mayWords(role: Role): string {
  return roles
    .slice(0, roles.indexOf(role) + 1)
    .map((one) => roleWords[one])
    .join(' ')
}

/** What is wrong with a user name while it is typed; null when nothing is. */
export function usernameError(name: string): string | null {
  if (name === '' || /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/.test(name)) return null
  if (name.length > 64) return 'At most 64 characters.'
  return 'Letters a to z, digits, and . _ @ + - after the first: so no two names look alike.'
}

/** What the server said, at its field where it named one. */
export function refusalWords(error: Error): string {
  if (!(error instanceof ApiError)) return 'Something unexpected went wrong. Try again.'
  const { errors, detail, title, requestId } = error.problem
  const [first] = errors ?? []
  if (first !== undefined) return sentence(first.message)
  const words = `${title}. ${detail ?? ''}`.trim()
  return requestId === '' || error.problem.status < 500 ? words : `${words} (request ${requestId})`
}

/** The server's messages follow a field's name: `is the user name, …`. */
function sentence(message: string): string {
  const words = message.replace(/^(is|needs|has|must) /, 'It $1 ')
  return /[.!?]$/.test(words) ? words : `${words}.`
}
