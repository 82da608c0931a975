import type { Server } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { createAdminDoor, isAdminUrl } from './admin-door.ts'
import { boundConnections } from './connections.ts'
import { LabError } from './errors.ts'
import type { Metrics } from './metrics.ts'
import { onClientError, URL_LIMIT } from './raw-errors.ts'

export const BODY_LIMIT_BYTES = 16 * 1024
const HEADER_LIMIT_BYTES = 8 * 1024

/** What may be set of a service's HTTP door; `doorOf` reads it from the environment. */
export interface Door {
  /** What `/admin` asks for; without it `/admin` is open to this machine alone. */
  adminToken?: string | undefined
  maxConnections?: number
  /** Longest wait for a request's URL and headers, from the moment the connection is made. */
  headersTimeoutMs?: number
  /** Longest wait for a whole request, from its first byte. */
  requestTimeoutMs?: number
}

/** The limits that Node and Fastify enforce by themselves. */
export const serverLimits = ({ headersTimeoutMs = 10_000, requestTimeoutMs = 30_000 }: Door) => ({
  bodyLimit: BODY_LIMIT_BYTES,
  requestTimeout: requestTimeoutMs,
  // A client that takes nothing of its answer. Longer than any upstream time-out that can be configured.
  connectionTimeout: 660_000,
  http: {
    maxHeaderSize: HEADER_LIMIT_BYTES,
    headersTimeout: headersTimeoutMs,
    // How often the two time-outs above are looked at; 30 s by default, which would be their real length.
    connectionsCheckingInterval: Math.min(1_000, headersTimeoutMs / 4),
  },
  clientErrorHandler: onClientError,
})

/** What is asked of every request before anything else happens with it. */
export function openDoor(server: Server, door: Door, metrics: Metrics) {
  const connections = boundConnections(server, door.maxConnections ?? 4_096)
  const admitAdmin = createAdminDoor(door.adminToken)
  metrics.gauge('lab_http_connections', 'Open HTTP connections', connections.open)
  metrics.gauge(
    'lab_http_connections_evicted',
    'HTTP connections closed or refused to stay within MAX_CONNECTIONS',
    connections.evicted,
  )
  return {
    /** Throws what the caller is answered when it may not come in. */
    received: ({ raw, url, routeOptions }: FastifyRequest) => {
      if (url.length > URL_LIMIT)
        throw new LabError('LAB_URL_TOO_LONG', `url: is longer than ${URL_LIMIT} characters`)
      // The route is known by now, however its path was written in the URL.
      if (isAdminUrl(routeOptions.url ?? url))
        admitAdmin({ remoteAddress: raw.socket.remoteAddress, headers: raw.headers })
    },
    /** To be called when the body has arrived. */
    complete: ({ raw }: FastifyRequest) => connections.busy(raw.socket),
    /** To be called when the answer is sent, whatever it is. */
    answered: ({ raw }: FastifyRequest) => connections.idle(raw.socket),
  }
}
