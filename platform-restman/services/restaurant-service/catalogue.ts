import { LabError } from '@lab/kit/errors.ts'
import { type Page, type PageQuery, pageOf } from '@lab/kit/paging.ts'
import { cursorColumn, readCursor } from '../../shared/db/cursor.ts'
import type { Db, Tx } from '../../shared/db/db.ts'
import type { Identity } from '../../shared/identity/identity.ts'
import { fromCents, toCents } from '../../shared/wire/money.ts'
import type {
  Category,
  CategoryChange,
  Food,
  FoodChange,
  Menu,
  NewCategory,
  NewRestaurant,
  Quote,
  Restaurant,
} from './schemas.ts'

export interface MenuChange {
  restaurant_id: string
  owner_id: string
  /** Of the menu as it is after the change. */
  version: number
  is_deleted: boolean
}

export interface CatalogueDeps {
  db: Db
  /** To be done in the transaction of every change of a menu, before it commits. */
  changed: (tx: Tx, change: MenuChange) => Promise<void>
}

export type Catalogue = ReturnType<typeof createCatalogue>

const RESTAURANT =
  'restaurant_id, owner_id, name, address, cuisine, is_open, menu_version, created_at, updated_at'
const CATEGORY = 'category_id, restaurant_id, name, position'
const FOOD = 'food_id, restaurant_id, category_id, name, description, price_cents, is_available'

type RestaurantRow = Omit<Restaurant, 'created_at' | 'updated_at'> & { created_at: Date; updated_at: Date }
type FoodRow = Omit<Food, 'price'> & { price_cents: number }

/** Restaurants and their menus. Every change of a menu is by its owner or an admin, and makes it a version newer. */
export function createCatalogue({ db, changed }: CatalogueDeps) {
  /** Locks the restaurant, so that its versions come one after the other. */
  async function change(tx: Tx, by: Identity, restaurantId: string, isDeleted = false): Promise<void> {
    const [row] = await tx.query<{ owner_id: string; version: number }>(
      `update restaurants set menu_version = menu_version + 1, updated_at = now() where restaurant_id = $1
       returning owner_id, menu_version as version`,
      [restaurantId],
    )
    if (!row) throw missing(restaurantId)
    if (row.owner_id !== by.user_id && by.role !== 'admin')
      throw new LabError('LAB_FORBIDDEN', 'This restaurant is another owner’s')
    await changed(tx, { restaurant_id: restaurantId, is_deleted: isDeleted, ...row })
  }
  /** Whose a category or food is; the restaurant is locked before it changes. */
  async function ownerOf(tx: Tx, table: 'categories' | 'foods', key: string, id: string): Promise<string> {
    const [row] = await tx.query<{ restaurant_id: string }>(
      `select restaurant_id from ${table} where ${key} = $1`,
      [id],
    )
    if (!row) throw missing(id)
    return row.restaurant_id
  }
  async function categoryOf(tx: Tx, id: string): Promise<string> {
    return ownerOf(tx, 'categories', 'category_id', id).catch((err) => {
      throw err instanceof LabError && err.code === 'LAB_NOT_FOUND' ? unknownField('category_id', id) : err
    })
  }

  /** A page of a table, the oldest first; the cursor names the last row of the page before. */
  async function page<Row>(select: PageOf, { limit, cursor }: PageQuery): Promise<Page<Row>> {
    const { table, key, columns, restaurantId } = select
    const [at, id] = cursor === undefined ? [LONG_AGO, NO_ID] : readCursor(cursor)
    const rows = await db.query<Row & { cursor: string }>(
      `select ${columns}, ${cursorColumn(key)}
       from ${table} where (created_at, ${key}) > ($1::timestamptz, $2::uuid)
       ${restaurantId === undefined ? '' : 'and restaurant_id = $4'}
       order by created_at, ${key} limit $3`,
      [at, id, limit + 1, ...(restaurantId === undefined ? [] : [restaurantId])],
    )
    const { rows: shown, next } = pageOf(rows, limit, (last) => last.cursor)
    return { rows: shown.map(({ cursor: _, ...row }) => row as Row), next }
  }

  return {
    async addRestaurant(ownerId: string, { name, address, cuisine, is_open }: NewRestaurant) {
      return db.transaction(async (tx) => {
        const [row] = await tx.query<RestaurantRow>(
          `insert into restaurants (owner_id, name, address, cuisine, is_open) values ($1, $2, $3, $4, $5)
           returning ${RESTAURANT}`,
          [ownerId, name, address, cuisine, is_open],
        )
        const { restaurant_id, menu_version: version } = row!
        await changed(tx, { restaurant_id, owner_id: ownerId, version, is_deleted: false })
        return restaurantOf(row!)
      })
    },
    async restaurants(query: PageQuery): Promise<Page<Restaurant>> {
      const select = { table: 'restaurants', key: 'restaurant_id', columns: RESTAURANT }
      const { rows, next } = await page<RestaurantRow>(select, query)
      return { rows: rows.map(restaurantOf), next }
    },
    async restaurant(id: string): Promise<Restaurant | undefined> {
      const [row] = await db.query<RestaurantRow>(
        `select ${RESTAURANT} from restaurants where restaurant_id = $1`,
        [id],
      )
      return row && restaurantOf(row)
    },
    async changeRestaurant(by: Identity, id: string, { name, address, cuisine, is_open }: NewRestaurant) {
      return db.transaction(async (tx) => {
        await change(tx, by, id)
        const [row] = await tx.query<RestaurantRow>(
          `update restaurants set name = $2, address = $3, cuisine = $4, is_open = $5 where restaurant_id = $1
           returning ${RESTAURANT}`,
          [id, name, address, cuisine, is_open],
        )
        return restaurantOf(row!)
      })
    },
    async removeRestaurant(by: Identity, id: string): Promise<void> {
      await db.transaction(async (tx) => {
        await change(tx, by, id, true)
        await tx.query('delete from foods where restaurant_id = $1', [id])
        await tx.query('delete from restaurants where restaurant_id = $1', [id])
      })
    },
    /** As one version: the name and all of the menu are read at one moment. */
    async menu(id: string): Promise<Menu | undefined> {
      return db.transaction(async (tx) => {
        const [row] = await tx.query<RestaurantRow>(
          `select ${RESTAURANT} from restaurants where restaurant_id = $1`,
          [id],
        )
        if (!row) return undefined
        const categories = await tx.query<Category>(
          `select ${CATEGORY} from categories where restaurant_id = $1 order by position, created_at, category_id`,
          [id],
        )
        const rows = await tx.query<FoodRow>(
          `select ${FOOD} from foods where restaurant_id = $1 order by created_at, food_id`,
          [id],
        )
        const foods = Map.groupBy(rows.map(foodOf), ({ category_id }) => category_id)
        return {
          restaurant_id: id,
          name: row.name,
          version: row.menu_version,
          categories: categories.map((one) => ({ ...one, foods: foods.get(one.category_id) ?? [] })),
        }
      })
    },

    async addCategory(by: Identity, { restaurant_id, name, position }: NewCategory): Promise<Category> {
      return db.transaction(async (tx) => {
        await change(tx, by, restaurant_id)
        const [row] = await tx.query<Category>(
          `insert into categories (restaurant_id, name, position) values ($1, $2, $3) returning ${CATEGORY}`,
          [restaurant_id, name, position],
        )
        return row!
      })
    },
    categories: (restaurantId: string, query: PageQuery): Promise<Page<Category>> =>
      page({ table: 'categories', key: 'category_id', columns: CATEGORY, restaurantId }, query),
    async category(id: string): Promise<Category | undefined> {
      const [row] = await db.query<Category>(`select ${CATEGORY} from categories where category_id = $1`, [
        id,
      ])
      return row
    },
    async changeCategory(by: Identity, id: string, { name, position }: CategoryChange): Promise<Category> {
      return db.transaction(async (tx) => {
        await change(tx, by, await ownerOf(tx, 'categories', 'category_id', id))
        const [row] = await tx.query<Category>(
          `update categories set name = $2, position = $3 where category_id = $1 returning ${CATEGORY}`,
          [id, name, position],
        )
        if (!row) throw missing(id)
        return row
      })
    },
    async removeCategory(by: Identity, id: string): Promise<void> {
      await db.transaction(async (tx) => {
        await change(tx, by, await ownerOf(tx, 'categories', 'category_id', id))
        const foods = await tx.query('select 1 from foods where category_id = $1 limit 1', [id])
        if (foods.length > 0) throw new LabError('LAB_CONFLICT', 'The category still has foods')
        await tx.query('delete from categories where category_id = $1', [id])
      })
    },

    async addFood(by: Identity, food: FoodChange): Promise<Food> {
      return db.transaction(async (tx) => {
        const restaurantId = await categoryOf(tx, food.category_id)
        await change(tx, by, restaurantId)
        const [row] = await tx.query<FoodRow>(
          `insert into foods (restaurant_id, category_id, name, description, price_cents, is_available)
           values ($1, $2, $3, $4, $5, $6) returning ${FOOD}`,
          [
            restaurantId,
            food.category_id,
            food.name,
            food.description,
            toCents(food.price),
            food.is_available,
          ],
        )
        return foodOf(row!)
      })
    },
    async foods(restaurantId: string, query: PageQuery): Promise<Page<Food>> {
      const select = { table: 'foods', key: 'food_id', columns: FOOD, restaurantId }
      const { rows, next } = await page<FoodRow>(select, query)
      return { rows: rows.map(foodOf), next }
    },
    async food(id: string): Promise<Food | undefined> {
      const [row] = await db.query<FoodRow>(`select ${FOOD} from foods where food_id = $1`, [id])
      return row && foodOf(row)
    },
    /** Only its own restaurant's categories can have it. */
    async changeFood(by: Identity, id: string, food: FoodChange): Promise<Food> {
      return db.transaction(async (tx) => {
        const restaurantId = await ownerOf(tx, 'foods', 'food_id', id)
        await change(tx, by, restaurantId)
        if ((await categoryOf(tx, food.category_id)) !== restaurantId)
          throw unknownField('category_id', food.category_id)
        const [row] = await tx.query<FoodRow>(
          `update foods set category_id = $2, name = $3, description = $4, price_cents = $5, is_available = $6
           where food_id = $1 returning ${FOOD}`,
          [id, food.category_id, food.name, food.description, toCents(food.price), food.is_available],
        )
        if (!row) throw missing(id)
        return foodOf(row)
      })
    },
    async setAvailability(by: Identity, id: string, isAvailable: boolean): Promise<Food> {
      return db.transaction(async (tx) => {
        await change(tx, by, await ownerOf(tx, 'foods', 'food_id', id))
        const [row] = await tx.query<FoodRow>(
          `update foods set is_available = $2 where food_id = $1 returning ${FOOD}`,
          [id, isAvailable],
        )
        if (!row) throw missing(id)
        return foodOf(row)
      })
    },
    async removeFood(by: Identity, id: string): Promise<void> {
      await db.transaction(async (tx) => {
        await change(tx, by, await ownerOf(tx, 'foods', 'food_id', id))
        await tx.query('delete from foods where food_id = $1', [id])
      })
    },

    /** What an order is priced by: the restaurant and those of the foods that are its own. */
    async quote(restaurantId: string, foodIds: string[]): Promise<Quote | undefined> {
      type Line = Quote['foods'][number] & { restaurant: string; owner_id: string; is_open: boolean }
      const rows = await db.query<Partial<Line> & Pick<Line, 'restaurant' | 'owner_id' | 'is_open'>>(
        `select r.name as restaurant, r.owner_id, r.is_open, f.food_id, f.name, f.price_cents, f.is_available
         from restaurants r left join foods f on f.restaurant_id = r.restaurant_id and f.food_id = any($2::uuid[])
         where r.restaurant_id = $1`,
        [restaurantId, foodIds],
      )
      const [first] = rows
      if (!first) return undefined
      const { restaurant: name, owner_id, is_open } = first
      return {
        restaurant: { restaurant_id: restaurantId, name, owner_id, is_open },
        foods: (rows as Line[]).flatMap(({ food_id, name, price_cents, is_available }) =>
          food_id === null ? [] : { food_id, name, price_cents, is_available },
        ),
      }
    },
  }
}

interface PageOf {
  table: string
  key: string
  columns: string
  restaurantId?: string
}

const LONG_AGO = '1970-01-01 00:00:00+00'
const NO_ID = '00000000-0000-0000-0000-000000000000'
const missing = (id: string) => new LabError('LAB_NOT_FOUND', `${id} does not exist`)
const unknownField = (field: string, value: string) =>
  new LabError('LAB_REQUEST_INVALID', `${field}: does not exist in this restaurant (got ${value})`, {
    errors: [{ field, message: 'does not exist in this restaurant', value }],
  })

const restaurantOf = (row: RestaurantRow): Restaurant => ({
  ...row,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})
const foodOf = ({ price_cents, ...row }: FoodRow): Food => ({ ...row, price: fromCents(price_cents) })
