import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { LabError } from './errors.ts'

/** What the door looks at: who is connected, never who a header says is behind it. */
export interface AdminCaller {
  remoteAddress: string | undefined
  headers: IncomingHttpHeaders
}

const ADMIN = /^\/admin(?:$|[/?])/

export const isAdminUrl = (url: string): boolean => ADMIN.test(url)

/**
 * Who may call `/admin/*`. With a token: whoever sends it, from anywhere. Without one: programs of this machine, and not
 * the web pages its browser shows. Throws what the caller is answered.
 */
export const createAdminDoor = (token: string | undefined): ((caller: AdminCaller) => void) =>
  token === undefined ? requireLocalCaller : requireToken(token)

function requireToken(token: string) {
  const expected = digest(token)
  return ({ headers }: AdminCaller) => {
    const [, sent = ''] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? []
    // Digests have one length, so neither the length nor a common beginning can be measured.
    if (timingSafeEqual(digest(sent), expected)) return
    throw new LabError(
      'LAB_ADMIN_TOKEN',
      'authorization: /admin needs `Bearer` and the ADMIN_TOKEN of this service',
    )
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest()

function requireLocalCaller({ remoteAddress, headers }: AdminCaller): void {
  if (!isLoopback(remoteAddress)) throw closed('from this machine')
  // Through a proxy on this machine everybody arrives from it.
  if (PROXY_HEADERS.some((name) => headers[name] !== undefined)) throw closed('directly, not through a proxy')
  // A page whose name was made to lead here (DNS rebinding) still sends its own name.
  if (!isLocalName(headers.host)) throw closed('by a loopback address or localhost as Host')
  // Only browsers send these. The service's own /docs page may call it.
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw closed('not by another web page')
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`)
    throw closed('not by another web page')
}

const PROXY_HEADERS = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via']

const closed = (how: string) =>
  new LabError('LAB_ADMIN_CLOSED', `Without ADMIN_TOKEN, /admin may be called only ${how}`)

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** An IPv4 address that arrives on an IPv6 socket (`::ffff:127.0.0.1`) counts as what it is. */
export function isLoopback(address: string | undefined): boolean {
  const version = isIP(address ?? '')
  return version !== 0 && loopback.check(address!, version === 6 ? 'ipv6' : 'ipv4')
}

export function isLocalName(host: string | undefined): boolean {
  const [, v6, name = ''] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d+)?$/i.exec(host ?? '') ?? []
  return v6 === undefined ? name.toLowerCase() === 'localhost' || isLoopback(name) : isLoopback(v6)
}
