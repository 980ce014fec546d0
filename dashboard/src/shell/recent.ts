import { useLocation } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useSession } from '../session/session.ts'
import { readPins } from './pins.ts'

const recentMax = 5

/** The devices looked at last, newest first: what the palette offers before anything is typed. */
export function readRecent(username: string): readonly string[] {
  try {
    return readPins(localStorage.getItem(keyOf(username))).slice(0, recentMax)
  } catch {
    return []
  }
}

export function useRememberRecent(): void {
  const { username } = useSession().user
  const path = useLocation({ select: ({ pathname }) => pathname })
  useEffect(() => {
    const deviceId = /^\/devices\/([^/]+)$/.exec(path)?.[1]
    if (deviceId !== undefined) write(username, [deviceId, ...without(username, [deviceId])])
  }, [path, username])
}

/** Devices that are gone. */
export function forgetRecent(username: string, gone: readonly string[]): void {
  write(username, without(username, gone))
}

function without(username: string, ids: readonly string[]): string[] {
  return readRecent(username).filter((id) => !ids.includes(id))
}

function write(username: string, recent: readonly string[]): void {
  try {
    localStorage.setItem(keyOf(username), JSON.stringify(recent.slice(0, recentMax)))
  } catch {
    // Without storage nothing is remembered.
  }
}

function keyOf(username: string): string {
  return `telltale-recent:${username}`
}
