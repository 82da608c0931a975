import { useEffect, useRef, useState } from 'react'
import type { Api } from '../api.ts'
import type { Action, State, StreamMessage } from '../state.ts'
import { backoffMs } from './backoff.ts'

/** Messages of one moment make one render. */
const GATHER_MS = 15
/** A wire that was cut says nothing: somebody has to ask. */
const LOOK_MS = 10_000
const LOOK_TIMEOUT_MS = 5_000
/** Without a word so long, an attempt has failed. */
const FIRST_WORD_MS = 10_000

export interface Connection {
  /** When the next attempt is made; undefined while there is one. */
  retryAt: number | undefined
  tryNow: () => void
}

/**
 * Keeps a WebSocket to the platform open as long as the component is there, says at each attempt where the state has come, and hands
 * on all that is heard. It goes on after a time that doubles, with jitter, up to 15 s.
 */
export function useWebSocket(api: Api, state: State, dispatch: (action: Action) => void): Connection {
  const place = useRef(state)
  place.current = state
  const [retryAt, setRetryAt] = useState<number>()
  const tryNow = useRef(() => {})

  useEffect(() => {
    let socket: WebSocket | undefined
    let gathered: StreamMessage[] = []
    let failures = 0
    let gather: ReturnType<typeof setTimeout> | undefined
    let retry: ReturnType<typeof setTimeout> | undefined
    let firstWord: ReturnType<typeof setTimeout> | undefined
    let before: number | null = null
    const ended = new AbortController()

    const flush = () => {
      clearTimeout(gather)
      gather = undefined
      if (gathered.length > 0) dispatch({ type: 'received', messages: gathered, at: Date.now() })
      gathered = []
    }
    const connect = () => {
      clearTimeout(retry)
      setRetryAt(undefined)
      before = null
      const { seq, epoch } = place.current
      const query = new URLSearchParams({ last_seq: String(seq), ...(epoch !== undefined && { epoch }) })
      const opened = new WebSocket(`${api.wsUrl}?${query}`)
      socket = opened
      firstWord = setTimeout(() => opened === socket && lose(), FIRST_WORD_MS)
      opened.onopen = () => opened === socket && dispatch({ type: 'opened' })
      opened.onmessage = ({ data }) => {
        if (opened !== socket) return
        clearTimeout(firstWord)
        failures = 0
        gathered.push(JSON.parse(data) as StreamMessage)
        gather ??= setTimeout(flush, GATHER_MS)
      }
      opened.onclose = () => opened === socket && lose()
    }
    /** Not waiting for a close: one of a wire that was cut takes as long as the network likes. */
    const lose = () => {
      clearTimeout(firstWord)
      const lost = socket
      socket = undefined
      lost?.close()
      flush()
      dispatch({ type: 'closed', at: Date.now() })
      const wait = backoffMs(failures++)
      setRetryAt(Date.now() + wait)
      retry = setTimeout(connect, wait)
    }
    const look = async () => {
      const looked = socket
      if (looked?.readyState !== WebSocket.OPEN) return
      const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)])
      const seq = await api.health(signal).then(
        (health) => health.seq,
        () => undefined,
      )
      if (ended.signal.aborted || looked !== socket) return
      const isBehind = before !== null && place.current.phase === 'live' && place.current.seq < before
      before = seq ?? null
      if (seq === undefined || isBehind) lose()
    }

    tryNow.current = () => {
      if (socket === undefined) connect()
      else void look()
    }
    const onVisible = () => document.visibilityState === 'visible' && tryNow.current()
    const onOnline = () => tryNow.current()
    const timer = setInterval(() => void look(), LOOK_MS)
    addEventListener('online', onOnline)
    document.addEventListener('visibilitychange', onVisible)
    connect()

    return () => {
      ended.abort()
      const last = socket
      socket = undefined
      tryNow.current = () => {}
      last?.close()
      clearTimeout(retry)
      clearTimeout(gather)
      clearTimeout(firstWord)
      clearInterval(timer)
      removeEventListener('online', onOnline)
      document.removeEventListener('visibilitychange', onVisible)
    }
  }, [api, dispatch])

  return { retryAt, tryNow: () => tryNow.current() }
}
