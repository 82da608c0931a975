import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { identify, pidNamespace } from './process-identity.ts'

/**
 * Names for what a run makes on a broker that is not its own: `messaging-lab.<place>.<pid>.<start>.<random>`. The name is the
 * mark: it says which machine, user and process made it, and only what carries such a name is ever deleted there.
 */
export function newRunName(): string {
  return `${ownPlace()}.${owner(process.pid)}.${randomBytes(4).toString('hex')}`
}

const RUN_NAME = /^messaging-lab\.[0-9a-f]{8}\.\d+\.[0-9a-f]{8}\.[0-9a-f]{8}$/

/** True for a name that `newRunName` gave, here or elsewhere. */
export const isRunName = (name: string): boolean => RUN_NAME.test(name)

/** True for a run name of this machine, boot, user and pid namespace whose process has ended. */
export function isAbandoned(name: string): boolean {
  if (!isRunName(name) || !name.startsWith(`${ownPlace()}.`)) return false
  const [pid, startedAt] = name.slice(ownPlace().length + 1).split('.')
  return owner(Number(pid)) !== `${pid}.${startedAt}`
}

/** Names the process that owns something so that no later one with the same pid is taken for it. */
function owner(pid: number): string {
  return `${pid}.${digest(identify(pid)?.startedAt ?? 'ended')}`
}

/** Host names repeat (`debian`, `localhost`) and so do pid namespaces: of the machines that share a broker, the boot tells. */
function ownPlace(): string {
  return `messaging-lab.${digest(`${hostname()} ${bootId()} ${process.getuid?.()} ${pidNamespace()}`)}`
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return '' // not Linux
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}
