import { createContext } from 'react'
import type { CommandSocket } from './command-socket.ts'

/** The one of the app, made by the first page that has commands: the others need not load it. */
export const CommandSocketContext = createContext<{ socket?: CommandSocket } | null>(null)
