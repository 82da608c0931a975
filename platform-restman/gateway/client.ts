import type { IncomingMessage } from 'node:http'
import { isIP, isIPv6 } from 'node:net'

/**
 * Who connects, as a limit counts them: an IPv4 address, or the half of an IPv6 address that a provider gives to one
 * customer. Of a trusted proxy it is whom the proxy names last: what comes before was written by the client itself.
 */
export function createClientOf(trustedProxies = ''): (request: IncomingMessage) => string {
  const trusted = new Set(trustedProxies.split(',').map((address) => address.trim()))
  return ({ socket, headers }) => {
    const peer = plain(socket.remoteAddress ?? '')
    if (!trusted.has(peer)) return network(peer)
    const named = plain(
      String(headers['x-forwarded-for'] ?? '')
        .split(',')
        .at(-1)!
        .trim(),
    )
    return network(isIP(named) ? named : peer)
  }
}

const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, '')

function network(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('%')[0]!.split('::')
  const [left, right] = [head, tail ?? ''].map((half) => half.split(':').filter(Boolean))
  const zeros = tail === undefined ? 0 : 8 - left!.length - right!.length
  const groups = [...left!, ...Array<string>(Math.max(zeros, 0)).fill('0'), ...right!]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
