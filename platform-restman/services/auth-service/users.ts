import { LabError } from '@lab/kit/errors.ts'
import type { Db, Tx } from '../../shared/db/db.ts'
import type { PersonRole } from '../../shared/identity/identity.ts'
import type { Account } from '../../shared/redis/sessions.ts'

export interface User extends Account {
  role: PersonRole
}

export interface Role {
  email: string
  role: PersonRole
  restaurant_id?: string | undefined
}

export interface Users {
  /** Who has this address; a customer from now on when nobody had. */
  signIn: (email: string) => Promise<User>
  /** `store` tells the open sessions before the change commits: where that fails, nothing has changed. */
  grant: (role: Role, store: (user: User) => Promise<void>) => Promise<User>
}

export interface UsersDeps {
  db: Db
  /** Announces a new user, in the transaction that makes it. */
  created: (tx: Tx, user: User & { created_at: string }) => Promise<void>
  adminEmail: string | undefined
}

interface Row extends Omit<User, 'restaurant_id'> {
  restaurant_id: string | null
}
const COLUMNS = 'user_id, email, role, restaurant_id, version'

export function createUsers({ db, created, adminEmail }: UsersDeps): Users {
  /** Inserting first, as two may come for the first time at once: one of them makes the user. */
  async function findOrMake(tx: Tx, email: string): Promise<User> {
    const [made] = await tx.query<Row & { created_at: Date }>(
      `insert into users (email) values ($1) on conflict (email) do nothing returning ${COLUMNS}, created_at`,
      [email],
    )
    if (made) {
      const { created_at, ...row } = made
      const user = userOf(row)
      await created(tx, { ...user, created_at: created_at.toISOString() })
      return user
    }
    const [known] = await tx.query<Row>(`select ${COLUMNS} from users where email = $1 for update`, [email])
    if (!known) throw new Error('the user has vanished')
    return userOf(known)
  }
  async function setRole(tx: Tx, { user_id }: User, role: PersonRole, restaurantId?: string): Promise<User> {
    const [changed] = await tx.query<Row>(
      `update users set role = $2, restaurant_id = $3, version = version + 1 where user_id = $1 returning ${COLUMNS}`,
      [user_id, role, restaurantId ?? null],
    )
    return userOf(changed!)
  }
  return {
    signIn: (email) =>
      db.transaction(async (tx) => {
        const user = await findOrMake(tx, email)
        return email === adminEmail && user.role !== 'admin' ? setRole(tx, user, 'admin') : user
      }),
    grant: ({ email, role, restaurant_id }, store) =>
      db.transaction(async (tx) => {
        if (email === adminEmail && role !== 'admin')
          throw new LabError('LAB_CONFLICT', `${email} is an admin by the configuration`)
        const user = await setRole(tx, await findOrMake(tx, email), role, restaurant_id)
        await store(user)
        return user
      }),
  }
}

const userOf = ({ restaurant_id, ...row }: Row): User => ({ ...row, ...(restaurant_id && { restaurant_id }) })
