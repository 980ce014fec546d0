import { Link } from '@tanstack/react-router'
import { ChevronLeft, ChevronRight } from 'lucide-react'

export function BoardCrumb({ name }: { name: string }) {
  return (
    <>
      <Link className="btn btn--quiet btn--icon only-phone" to="/boards" aria-label="Back to the boards">
        <ChevronLeft className="i" aria-hidden="true" />
      </Link>
      <span className="crumb not-phone">
        <Link to="/boards">Boards</Link>
        <ChevronRight className="i i--sm" aria-hidden="true" />
      </span>
      <h1 className="top__title cut" title={name}>
        <bdi>{name}</bdi>
      </h1>
    </>
  )
}
