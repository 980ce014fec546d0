import { Link, useLocation } from '@tanstack/react-router'
import { useEffect } from 'react'
import { Lamp } from '../ui/lamp.tsx'
import { useWatch } from '../use-live.ts'
import { usePins } from './pins.ts'
import { useDevices, useFaces } from './use-faces.ts'

/** The devices a person always wants to see, live whichever page is open. */
export function Pinned() {
  const { pins, forget } = usePins()
  const { devices, gone } = useDevices(pins)
  const faces = useFaces(devices)
  // Not one that may be gone: the stream refuses to watch a device that does not exist.
  useWatch(devices.map(({ id }) => id))
  const path = useLocation({ select: (location) => location.pathname })
  const deleted = gone.join()
  useEffect(() => {
    if (deleted !== '') forget(deleted.split(','))
  }, [deleted, forget])
  if (faces.length === 0) return null
  return (
    <nav className="nav nav--pins" aria-label="Pinned">
      <div className="nav__head" aria-hidden="true">
        Pinned
      </div>
      {faces.map(({ device, face }) => {
        const isHere = path === `/devices/${device.id}`
        return (
          <Link
            key={device.id}
            to="/devices/$deviceId"
            params={{ deviceId: device.id }}
            className={isHere ? 'nav__item nav__item--pin is-active' : 'nav__item nav__item--pin'}
            aria-current={isHere ? 'page' : undefined}
            title={`${device.name}: ${face.state}`}
          >
            <Lamp shape={face.shape} />
            <span className="cut">
              {device.name}
              <span className="vh">, {face.state}</span>
            </span>
            <span className="nav__val">{face.end}</span>
          </Link>
        )
      })}
    </nav>
  )
}
