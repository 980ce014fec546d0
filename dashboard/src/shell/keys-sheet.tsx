import './keys-sheet.css'
import { X } from 'lucide-react'
import { keyName } from './key-name.ts'
import { Over } from './over.tsx'
import { type Shortcut, useAllShortcuts } from './shortcuts.ts'

/** Only what works here and now. */
export function KeysSheet({ onClose }: { onClose: () => void }) {
  const shortcuts = useAllShortcuts()
  const groups = [...new Set(shortcuts.map(({ group }) => group))]
  return (
    <Over label="Keyboard shortcuts" look="keys" onClose={onClose}>
      <div className="keys__head">
        <h2 tabIndex={-1}>Keyboard shortcuts</h2>
        <button type="button" className="btn btn--quiet btn--icon" aria-label="Close" onClick={onClose}>
          <X className="i" aria-hidden="true" />
        </button>
      </div>
      <div className={groups.length > 1 ? 'keys keys--two' : 'keys'}>
        {groups.map((group) => (
          <section key={group} className="keys__group" aria-label={group}>
            <h3>{group}</h3>
            <dl>
              {shortcuts
                .filter((shortcut) => shortcut.group === group)
                .map((shortcut) => (
                  <Row key={shortcut.keys} shortcut={shortcut} />
                ))}
            </dl>
          </section>
        ))}
      </div>
      <p className="keys__foot">While you type in a field, letters are only text. Escape leaves a dialog.</p>
    </Over>
  )
}

function Row({ shortcut }: { shortcut: Shortcut }) {
  return (
    <div>
      <dt>{shortcut.label}</dt>
      <dd>
        {shortcut.keys.split(' ').map((part, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: of one shortcut, never reordered
          <kbd key={place} className="kbd">
            {keyName(part)}
          </kbd>
        ))}
      </dd>
    </div>
  )
}
