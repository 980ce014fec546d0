import '../users/users.css'
import './account.css'
import { useSession } from '../session/session.ts'
import { TopBar } from '../shell/top-bar.tsx'
import { mayWords } from '../users/words.ts'
import { PasswordForm } from './password-form.tsx'
import { SessionList } from './session-list.tsx'

export function AccountPage() {
  const { user, passwordState = 'set' } = useSession()
  return (
    <>
      <title>Your account · Telltale</title>
      <TopBar>
        <h1 className="top__title">Your account</h1>
      </TopBar>
      <div className="page">
        <div className="account">
          {passwordState === 'missing' && <Hello username={user.username} />}
          <section className="panel" aria-labelledby="account-role">
            <div className="panel__head">
              <h2 className="panel__title" id="account-role">
                {user.username}
              </h2>
              <span className="badge">{user.role}</span>
            </div>
            <p className="panel__body ink-2">{mayWords(user.role)}</p>
          </section>
          <section className="panel" aria-labelledby="account-password">
            <div className="panel__head">
              <h2 className="panel__title" id="account-password">
                Password
              </h2>
            </div>
            <div className="panel__body">
              <PasswordForm state={passwordState} />
            </div>
          </section>
          <section className="panel" aria-labelledby="account-sessions">
            <div className="panel__head">
              <h2 className="panel__title" id="account-sessions">
                Where you are signed in
              </h2>
            </div>
            <SessionList />
          </section>
        </div>
      </div>
    </>
  )
}

function Hello({ username }: { username: string }) {
  return (
    <div className="account__hello" role="status">
      <b>Welcome, {username}</b>
      <span>
        The link you came by does not work again. Choose a password now: it is how you sign in next time, and
        nobody else knows it.
      </span>
    </div>
  )
}
