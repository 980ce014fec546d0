import './commands.css'
import { useQuery } from '@tanstack/react-query'
import type { Device } from '@telltale/api/contract'
import { oneDevice } from '../devices/devices.ts'
import { Failure, Quietbox, SkeletonLines } from '../ui/states.tsx'
import { CommandForm } from './command-form.tsx'
import { CommandItem } from './command-item.tsx'
import { useCommands, useSend } from './commands.ts'

/** Send, and see how far it got. */
export function Console({ deviceId }: { deviceId: string }) {
  const device: Device | undefined = useQuery(oneDevice(deviceId)).data
  const { commands, query, remember } = useCommands(deviceId)
  const { sending, sendNow } = useSend(deviceId, remember)
  const offline = device?.presence.status === 'offline' || device?.presence.status === 'never'
  return (
    <section className="panel console" aria-label="Commands">
      <div className="panel__head">
        <h2 className="panel__title">Send a command</h2>
      </div>
      <CommandForm offline={offline} sending={sending} onSend={(request) => void sendNow(request)} />
      <div className="cmds">
        {query.isPending && <SkeletonLines lines={2} />}
        {query.isError && commands.length === 0 && (
          <Failure
            what="Could not load the commands"
            error={query.error}
            onRetry={() => void query.refetch()}
          />
        )}
        {query.isSuccess && commands.length === 0 && (
          <Quietbox title="No commands yet">
            <span>What is sent to this device is listed here, with every step.</span>
          </Quietbox>
        )}
        {commands.map((command) => (
          <CommandItem
            key={command.id}
            command={command}
            offline={offline}
            onSendAgain={() =>
              void sendNow({ name: command.name, params: command.params, ttlMs: command.ttlMs })
            }
            onChanged={remember}
          />
        ))}
      </div>
    </section>
  )
}
