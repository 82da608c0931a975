import { createScript, type Redis } from '../../shared/redis/client.ts'

export interface MenuCache {
  /** The menu as it is sent, or undefined when it is not kept, or Redis is away: then it is read from the database. */
  find: (restaurantId: string) => Promise<string | undefined>
  /** Keeps a menu that was read as this version, unless a newer one is on its way. */
  fill: (restaurantId: string, version: number, menu: string) => Promise<void>
  /** To be called before the change commits: from then on nobody keeps a version before this one. Rejects without Redis. */
  expect: (restaurantId: string, version: number) => Promise<void>
}

const MENU_MS = 300_000
/** Longer than a menu is kept, and than any reader is under way. */
const VERSION_MS = 2 * MENU_MS

/** What is kept goes with the news of a version, in one step. */
const EXPECT = createScript<number>(`
local menu, newest = KEYS[1], KEYS[2]
local version = tonumber(ARGV[1])
if tonumber(redis.call('GET', newest) or '-1') < version then redis.call('SET', newest, ARGV[1], 'PX', ARGV[2]) end
redis.call('DEL', menu)
return 1`)

/** A reader that was slow has an old menu in hands: it must not come after the news. */
const FILL = createScript<number>(`
local menu, newest = KEYS[1], KEYS[2]
if tonumber(redis.call('GET', newest) or '-1') > tonumber(ARGV[1]) then return 0 end
redis.call('SET', menu, ARGV[2], 'PX', ARGV[3])
return 1`)

/** Menus in Redis for five minutes. */
export function createMenuCache(redis: Redis): MenuCache {
  const keysOf = (id: string) => [`menu:{${id}}`, `menu:{${id}}:version`]
  return {
    find: async (id) => {
      const kept = await redis.run((client) => client.get(keysOf(id)[0]!)).catch(() => null) // read it from the database
      return kept ?? undefined
    },
    fill: async (id, version, menu) => {
      const values = [version, menu, MENU_MS]
      await redis
        .run((client) => FILL(client, keysOf(id), values))
        .catch(() => {
          // Kept by the next reader.
        })
    },
    expect: async (id, version) => {
      await redis.run((client) => EXPECT(client, keysOf(id), [version, VERSION_MS]))
    },
  }
}
