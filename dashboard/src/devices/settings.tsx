import './settings.css'
import { Autocomplete, TagsInput, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Device } from '@telltale/api/contract'
import { type SyntheticEvent, useState } from 'react'
import { useMay } from '../session/session.ts'
import { typeList } from '../types/types.ts'
import { NeedsRole } from '../ui/locked.tsx'
import { Failure } from '../ui/states.tsx'
import { Credentials } from './credentials.tsx'
import { DeleteDevice } from './delete-device.tsx'
import { useChange } from './use-change.ts'

const tagsMax = 32

export function Settings({ device }: { device: Device }) {
  const may = useMay('operator')
  return (
    <div className="devsettings">
      {!may && <NeedsRole needed="operator" />}
      <NameAndTags key={`${device.name} ${device.type} ${device.tags.join()}`} device={device} may={may} />
      <Credentials deviceId={device.id} may={may} />
      <Danger device={device} may={may} />
    </div>
  )
}

function NameAndTags({ device, may }: { device: Device; may: boolean }) {
  const [name, setName] = useState(device.name)
  const [type, setType] = useState(device.type ?? '')
  const [tags, setTags] = useState(device.tags)
  const types = useQuery(typeList).data ?? []
  const change = useChange(device)
  const sameTags = tags.join() === device.tags.join()
  const changed = name.trim() !== device.name || type.trim() !== (device.type ?? '') || !sameTags
  const submit = (event: SyntheticEvent) => {
    event.preventDefault()
    change.mutate({ name: name.trim(), type: type.trim() || null, tags })
  }
  return (
    <section className="panel" aria-labelledby="name-and-tags">
      <div className="panel__head">
        <h2 className="panel__title" id="name-and-tags">
          Name, type and tags
        </h2>
      </div>
      <form className="panel__body devsettings__form" onSubmit={submit}>
        <TextInput
          label="Name"
          maxLength={200}
          disabled={!may}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Autocomplete
          label="Type"
          placeholder="none"
          description="One of the device types, or any other name. It decides about units and commands."
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          data={types.map((one) => one.name)}
          maxLength={200}
          spellCheck={false}
          disabled={!may}
          value={type}
          onChange={setType}
        />
        <TagsInput
          label="Tags"
          placeholder={tags.length === 0 ? 'greenhouse, north' : ''}
          description="Enter or a comma ends a tag. Tags group devices in the fleet."
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          maxTags={tagsMax}
          splitChars={[',', ' ']}
          disabled={!may}
          value={tags}
          onChange={(next) => setTags(next.map((tag) => tag.replace(/[\s,:]/g, '-').slice(0, 64)))}
        />
        <div>
          <button
            type="submit"
            className="btn"
            disabled={!may || !changed || name.trim() === '' || change.isPending}
          >
            Save
          </button>
        </div>
        {change.isError && <Failure what="Not saved" error={change.error} />}
      </form>
    </section>
  )
}

function Danger({ device, may }: { device: Device; may: boolean }) {
  const change = useChange(device)
  const disabled = device.disabledAt !== null
  return (
    <section className="panel" aria-labelledby="danger">
      <div className="panel__head">
        <h2 className="panel__title" id="danger">
          {disabled ? 'Enable or delete' : 'Disable or delete'}
        </h2>
      </div>
      <div className="panel__body devsettings__danger">
        <p className="ink-2">
          A disabled device is refused at the door and keeps all it has stored. Deleting takes its readings
          too.
        </p>
        <button
          type="button"
          className="btn"
          disabled={!may || change.isPending}
          onClick={() => change.mutate({ disabled: !disabled })}
        >
          {disabled ? 'Enable' : 'Disable'}
        </button>
        <DeleteDevice device={device} may={may} />
      </div>
      {change.isError && <Failure what="Not changed" error={change.error} />}
    </section>
  )
}
