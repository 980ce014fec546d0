import { useLocalStorage } from '@mantine/hooks'
import { Bookmark } from 'lucide-react'
import { useSession } from '../session/session.ts'
import { LateMenu } from '../ui/late-menu.tsx'
import type { FleetSearch } from './search.ts'
import { isSameSearch, parseViews, type View, viewsKey } from './views.ts'

const load = () => import('./view-list.tsx').then(({ ViewList }) => ViewList)

/** Filters by name. The address says the same and can be sent to anybody; the names stay in this browser. */
export function SavedViews({ filter }: { filter: FleetSearch }) {
  const { user } = useSession()
  const [views, setViews] = useLocalStorage<View[]>({
    key: viewsKey(user.username),
    defaultValue: [],
    deserialize: (text) => parseViews(text ?? null),
  })
  const current = views.find((view) => isSameSearch(view.search, filter))
  const give = { views, current, filter, onViews: setViews }
  return (
    <LateMenu
      load={load}
      give={give}
      popup="dialog"
      className="btn views"
      aria-label={current?.name ?? 'Views'}
    >
      <Bookmark className="i" aria-hidden="true" />
      <span className="cut">{current?.name ?? 'Views'}</span>
    </LateMenu>
  )
}
