import './sign-in.css'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import type { SignIn as Credentials, Readiness, Session } from '@telltale/api/contract'
import { Eye, EyeOff } from 'lucide-react'
import {
  type ComponentProps,
  type ReactNode,
  type SyntheticEvent,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react'
import { ApiError, getHealth } from '../api.ts'
import { Lamp, type LampShape } from '../ui/lamp.tsx'
import { Mark } from '../ui/mark.tsx'
import { currentSession, signIn } from './session.ts'

export function SignIn() {
  const entry = useEntry()
  const [username, setUsername] = useState('')
  const [password, setPassword] = useState('')
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    entry.mutate({ username: username.trim(), password })
  }
  useEffect(() => {
    document.title = 'Sign in · Telltale'
  }, [])
  return (
    <main className="signin">
      <div className="signin__box">
        <div className="signin__brand">
          <Mark lit={entry.isSuccess} />
          <h1>Sign in to Telltale</h1>
        </div>
        <form className="signin__card" onSubmit={submit} aria-busy={entry.isPending}>
          <Field
            label="User name"
            name="username"
            autoComplete="username"
            value={username}
            onChange={(event) => setUsername(event.currentTarget.value)}
          />
          <PasswordField
            label="Password"
            name="password"
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {entry.isError && <Refusal error={entry.error} viaLink={isLink(entry.variables)} />}
          <button type="submit" className="btn btn--primary btn--lg btn--block" disabled={entry.isPending}>
            {entry.isPending ? 'Signing in…' : 'Sign in'}
          </button>
        </form>
        <p className="signin__note">
          First start? The sign-in link is in the terminal.
          <br />
          It works once.
        </p>
      </div>
      <ServerFoot />
    </main>
  )
}

type FieldProps = ComponentProps<'input'> & { label: string; children?: ReactNode }

/** Plain: this page is the first, and needs nothing of what fields of forms can do. */
function Field({ label, children, ...props }: FieldProps) {
  const id = useId()
  return (
    <div className="signin__field">
      <label className="field__label" htmlFor={id}>
        {label}
      </label>
      <div className="input">
        <input id={id} required {...props} />
        {children}
      </div>
    </div>
  )
}

function PasswordField(props: FieldProps) {
  const [isShown, setShown] = useState(false)
  const Icon = isShown ? EyeOff : Eye
  return (
    <Field {...props} type={isShown ? 'text' : 'password'}>
      <button
        type="button"
        className="signin__show"
        aria-label="Show the password"
        aria-pressed={isShown}
        onClick={() => setShown(!isShown)}
      >
        <Icon className="i" aria-hidden="true" />
      </button>
    </Field>
  )
}

const upEveryMs = 10_000

/** Before anybody signs in: is it there, and which one is it? */
function ServerFoot() {
  const { data, isError } = useQuery({
    queryKey: ['readiness'],
    queryFn: ({ signal }) => getHealth<Readiness>('/readyz', signal),
    refetchInterval: upEveryMs,
    networkMode: 'always',
    retry: false,
  })
  const { hostname } = window.location
  const [shape, words]: [LampShape, string] = isError
    ? ['offline', `${hostname} cannot be reached`]
    : data === undefined
      ? ['never', hostname]
      : data.ready
        ? ['online', `${hostname} is up`]
        : ['silent', `${hostname} is not ready: ${awayWords(data)}`]
  return (
    <footer className="signin__foot">
      <span className="iconline" role="status">
        <Lamp shape={shape} />
        {words}
      </span>
      {data !== undefined && <span>{data.version}</span>}
    </footer>
  )
}

function awayWords({ checks }: Readiness): string {
  const away = checks.filter(({ name, ok }) => !ok && name !== 'spool').map(({ name }) => name)
  return away.length === 0 ? 'devices are held up' : `${away.join(' and ')} away`
}

/** A link in the fragment signs in by itself; the fragment goes first, so it never stays in the history. */
function useEntry() {
  const router = useRouter()
  const queryClient = useQueryClient()
  const { next } = useSearch({ from: '/sign-in' })
  const entry = useMutation<Session, Error, Credentials>({
    mutationFn: signIn,
    onSuccess: (session) => {
      queryClient.clear()
      queryClient.setQueryData(currentSession.queryKey, session)
      // Without a password only links sign in: choosing one comes first.
      router.history.push(session.passwordState === 'missing' ? '/account' : (next ?? '/'))
    },
  })
  const { mutate } = entry
  // A one-time link must be spent once, also when effects run twice in development.
  const spent = useRef(false)
  useEffect(() => {
    const link = new URLSearchParams(window.location.hash.slice(1)).get('link')
    if (link === null || spent.current) return
    spent.current = true
    window.history.replaceState(window.history.state, '', window.location.pathname + window.location.search)
    mutate({ link })
  }, [mutate])
  return entry
}

function isLink(credentials: Credentials | undefined): boolean {
  return credentials !== undefined && 'link' in credentials
}

function Refusal({ error, viaLink }: { error: Error; viaLink: boolean }) {
  return (
    <p className="signin__refusal" role="alert">
      <Lamp shape="fail" />
      <span>{refusalWords(error, viaLink)}</span>
    </p>
  )
}

function refusalWords(error: Error, viaLink: boolean): string {
  if (!(error instanceof ApiError)) return 'Something unexpected went wrong. Try again.'
  const { status, detail, title } = error.problem
  if (status === 401 && viaLink) {
    return 'This sign-in link has been used or is too old. Sign in with a password, or ask an administrator for a new link.'
  }
  if (status === 401) return 'The user name or the password is not right.'
  if (status === 429) return detail ?? 'Too many attempts. Wait a minute, then try again.'
  return detail ?? title
}
