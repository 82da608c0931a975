import { useEffect, useState } from 'react'
import type { Connection as Retry } from '../hooks/useWebSocket.ts'
import type { State } from '../state.ts'
import { counted, exactTime } from '../words.ts'

/** Whether what is shown is the truth: always in sight. */
export function Connection({ state, retryAt, tryNow }: { state: State } & Retry) {
  const { phase } = state
  return (
    <div className="connection">
      <p className={`light ${phase}`} role="status">
        {words(state)}
      </p>
      {phase === 'offline' && (
        <>
          <Countdown to={retryAt} />
          <button type="button" className="quiet" onClick={tryNow}>
            Try now
          </button>
        </>
      )}
    </div>
  )
}

function words({ phase, missing }: State): string {
  switch (phase) {
    case 'live':
      return 'Live'
    case 'connecting':
      return 'Connecting…'
    case 'catching-up':
      return missing > 0 ? `Catching up: ${counted(missing, 'event')} to go` : 'Catching up…'
    case 'stale':
      return 'The platform has lost Redis'
    case 'offline':
      return 'Offline'
  }
}

function Countdown({ to }: { to: number | undefined }) {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [])
  if (to === undefined) return <span className="by">trying…</span>
  return <span className="by">next try in {Math.max(1, Math.ceil((to - now) / 1_000))} s</span>
}

/** What a window says of itself while it is not the truth, and of what it has missed. */
export function Banners({ state, dismiss }: { state: State; dismiss: () => void }) {
  const { phase, asOf, epoch, caughtUp } = state
  const isOld = epoch !== undefined && phase !== 'live' && asOf !== undefined
  return (
    <>
      {isOld && <p className="banner wait">What you see is from {exactTime(asOf)} and may be old.</p>}
      {phase === 'live' && caughtUp > 0 && (
        <div className="banner good">
          <p role="status">Caught up: {counted(caughtUp, 'event')} happened while this window was away.</p>
          <button type="button" className="quiet" onClick={dismiss}>
            Dismiss
          </button>
        </div>
      )}
    </>
  )
}
