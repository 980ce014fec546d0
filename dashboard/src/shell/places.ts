import type { LucideIcon } from 'lucide-react'

/** A page one can go to, as the palette lists it. */
export type Place = { to: string; label: string; Icon: LucideIcon; needs?: 'admin' }
