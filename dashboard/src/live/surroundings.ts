/** What the live part needs of the browser around it; a test stands in for it. */
export interface Surroundings {
  /** Absent where the page is no secure context, such as plain http on an address of the local network. */
  locks: Pick<LockManager, 'request'> | undefined
  openChannel: (name: string) => Channel
  isVisible: () => boolean
  /** Calls when the page is shown or hidden, and when the network comes back. */
  onChange: (listener: () => void) => () => void
}

export type Channel = Pick<BroadcastChannel, 'postMessage' | 'close' | 'onmessage'>

export function browserSurroundings(): Surroundings {
  return {
    locks: navigator.locks as LockManager | undefined,
    openChannel: (name) => new BroadcastChannel(name),
    isVisible: () => document.visibilityState === 'visible',
    onChange: (listener) => {
      document.addEventListener('visibilitychange', listener)
      window.addEventListener('online', listener)
      return () => {
        document.removeEventListener('visibilitychange', listener)
        window.removeEventListener('online', listener)
      }
    },
  }
}
