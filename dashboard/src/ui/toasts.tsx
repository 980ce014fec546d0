import { Notifications } from '@mantine/notifications'

/** A file of its own: what is said now and then need not be there for the first screen. */
export function Toasts() {
  return <Notifications position="bottom-right" autoClose={6_000} />
}
