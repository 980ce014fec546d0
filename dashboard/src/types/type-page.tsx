import './types.css'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { TopBar } from '../shell/top-bar.tsx'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { TypeEditor } from './type-editor.tsx'
import { typeList, typeNameError } from './types.ts'

export function TypePage() {
  const { typeName } = useParams({ from: '/shell/types/$typeName' })
  const list = useQuery(typeList)
  const type = list.data?.find(({ name }) => name === typeName) ?? null
  return (
    <>
      <title>{`${type?.label ?? typeName} · Telltale`}</title>
      <TopBar>
        <Link className="btn btn--quiet btn--icon only-phone" to="/types" aria-label="Back to the types">
          <ChevronLeft className="i" aria-hidden="true" />
        </Link>
        <span className="crumb not-phone">
          <Link to="/types">Device types</Link>
          <ChevronRight className="i i--sm" aria-hidden="true" />
        </span>
        <h1 className="top__title cut">
          <bdi>{type?.label ?? typeName}</bdi>
        </h1>
      </TopBar>
      <div className="page">
        {list.data !== undefined ? (
          typeNameError(typeName) === null ? (
            <TypeEditor key={typeName} name={typeName} type={type} />
          ) : (
            <Quietbox title="No type can have that name">
              <span>{typeNameError(typeName)}</span>
            </Quietbox>
          )
        ) : list.isError ? (
          <Failure
            what={`Could not load ${typeName}`}
            error={list.error}
            onRetry={() => void list.refetch()}
          />
        ) : (
          <SkeletonLines lines={4} heightPx={60} />
        )}
      </div>
    </>
  )
}
