import type { Role } from '../../parts/client.ts'

/** The services of every part, in words. */
export const ROLE_NAMES: Record<Role, string> = {
  order: 'the order service',
  inventory: 'inventory',
  third: 'notification or analytics',
}

export const ROLES = Object.keys(ROLE_NAMES) as Role[]
