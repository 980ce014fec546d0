import type { Change } from './interest.ts'

/** `number` counts the changes of what a broker wants: who missed one asks for all of it. */
export type Word =
  /** Asks what the hearer wants. */
  | { kind: 'hello'; from: string }
  | { kind: 'alive'; from: string; number: number }
  | { kind: 'bye'; from: string }
  /** All filters somebody at `from` subscribed to. */
  | { kind: 'wants'; from: string; number: number; filters: string[] }
  | ({ kind: 'change'; from: string } & Change)
  | { kind: 'client'; from: string; clientId: string }
  /** A device has connected at `from`; its session has this epoch. */
  | { kind: 'device'; from: string; deviceId: string; epoch: number }
  /** Asks which of these clients are connected at the hearer. */
  | { kind: 'who'; from: string; question: string; clientIds: string[] }
  | { kind: 'here'; from: string; question: string; clientIds: string[] }
