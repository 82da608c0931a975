import { LabError } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import { PageQuery, sendPage } from '@lab/kit/paging.ts'
import { z } from 'zod'
import { access, identityOf } from '../../shared/identity/guard.ts'
import { ROLES_OF_PEOPLE } from '../../shared/identity/identity.ts'
import type { Catalogue } from './catalogue.ts'
import type { MenuCache } from './menu-cache.ts'
import {
  Availability,
  Category,
  CategoryChange,
  Food,
  FoodChange,
  Menu,
  NewCategory,
  NewFood,
  NewRestaurant,
  Quote,
  QuoteRequest,
  Restaurant,
} from './schemas.ts'

export interface RestaurantRoutesDeps {
  catalogue: Catalogue
  cache: MenuCache
}

const params = {
  restaurant: z.object({ restaurant_id: z.uuid() }),
  category: z.object({ category_id: z.uuid() }),
  food: z.object({ food_id: z.uuid() }),
}
const OfRestaurant = PageQuery.extend({ restaurant_id: z.uuid().describe('Those of this restaurant') })
const Gone = { 204: z.null().describe('It is gone') }

/** Everybody who is signed in reads; a restaurant and its menu are changed by its owner alone, and by an admin. */
export function restaurantRoutes({ catalogue, cache }: RestaurantRoutesDeps): RoutePlugin {
  return async (app) => {
    const read = (tag: string, summary: string) => ({ summary, tags: [tag], ...access(ROLES_OF_PEOPLE) })
    const write = (tag: string, summary: string) => ({
      summary,
      tags: [tag],
      ...access(['owner'], { own: 'restaurant' }),
    })
    const make = (tag: string, summary: string) => ({ summary, tags: [tag], ...access(['owner']) })

    // Restaurants

    app.post(
      '/api/restaurants',
      {
        schema: {
          ...make('restaurants', 'Open a restaurant; it is mine'),
          body: NewRestaurant,
          response: { 201: Restaurant },
        },
      },
      async (request, reply) => {
        const restaurant = await catalogue.addRestaurant(identityOf(request).user_id, request.body)
        return reply
          .code(201)
          .header('location', `/api/restaurants/${restaurant.restaurant_id}`)
          .send(restaurant)
      },
    )
    app.get(
      '/api/restaurants',
      {
        schema: {
          ...read('restaurants', 'All restaurants, the oldest first'),
          querystring: PageQuery,
          response: { 200: z.array(Restaurant) },
        },
      },
      async ({ query }, reply) =>
        sendPage(reply, '/api/restaurants', query, await catalogue.restaurants(query)),
    )
    app.get(
      '/api/restaurants/:restaurant_id',
      {
        schema: {
          ...read('restaurants', 'One restaurant'),
          params: params.restaurant,
          response: { 200: Restaurant },
        },
      },
      async ({ params: { restaurant_id } }) =>
        found(await catalogue.restaurant(restaurant_id), restaurant_id),
    )
    app.put(
      '/api/restaurants/:restaurant_id',
      {
        schema: {
          ...write('restaurants', 'Change a restaurant'),
          params: params.restaurant,
          body: NewRestaurant,
          response: { 200: Restaurant },
        },
      },
      async (request) =>
        catalogue.changeRestaurant(identityOf(request), request.params.restaurant_id, request.body),
    )
    app.delete(
      '/api/restaurants/:restaurant_id',
      {
        schema: {
          ...write('restaurants', 'Close a restaurant for good'),
          params: params.restaurant,
          response: Gone,
        },
      },
      async (request, reply) => {
        await catalogue.removeRestaurant(identityOf(request), request.params.restaurant_id)
        return reply.code(204).send(null)
      },
    )
    app.get(
      '/api/restaurants/:restaurant_id/menu',
      {
        schema: {
          ...read('restaurants', 'Its whole menu'),
          params: params.restaurant,
          response: { 200: Menu },
        },
      },
      async ({ params: { restaurant_id } }, reply) => {
        let menu = await cache.find(restaurant_id)
        if (menu === undefined) {
          const current = found(await catalogue.menu(restaurant_id), restaurant_id)
          menu = JSON.stringify(current)
          await cache.fill(restaurant_id, current.version, menu)
        }
        return reply
          .type('application/json')
          .serializer(String)
          .send(menu as never)
      },
    )

    // Categories

    app.post(
      '/api/categories',
      {
        schema: {
          ...write('categories', 'A new part of the menu'),
          body: NewCategory,
          response: { 201: Category },
        },
      },
      async (request, reply) => {
        const category = await catalogue.addCategory(identityOf(request), request.body)
        return reply.code(201).header('location', `/api/categories/${category.category_id}`).send(category)
      },
    )
    app.get(
      '/api/categories',
      {
        schema: {
          ...read('categories', 'The categories of a restaurant'),
          querystring: OfRestaurant,
          response: { 200: z.array(Category) },
        },
      },
      async ({ query }, reply) => {
        const path = `/api/categories?restaurant_id=${query.restaurant_id}`
        return sendPage(reply, path, query, await catalogue.categories(query.restaurant_id, query))
      },
    )
    app.get(
      '/api/categories/:category_id',
      {
        schema: {
          ...read('categories', 'One category'),
          params: params.category,
          response: { 200: Category },
        },
      },
      async ({ params: { category_id } }) => found(await catalogue.category(category_id), category_id),
    )
    app.put(
      '/api/categories/:category_id',
      {
        schema: {
          ...write('categories', 'Change a category'),
          params: params.category,
          body: CategoryChange,
          response: { 200: Category },
        },
      },
      async (request) =>
        catalogue.changeCategory(identityOf(request), request.params.category_id, request.body),
    )
    app.delete(
      '/api/categories/:category_id',
      {
        schema: {
          ...write('categories', 'Remove a category that has no foods'),
          params: params.category,
          response: Gone,
        },
      },
      async (request, reply) => {
        await catalogue.removeCategory(identityOf(request), request.params.category_id)
        return reply.code(204).send(null)
      },
    )

    // Foods

    app.post(
      '/api/foods',
      { schema: { ...write('foods', 'A new food'), body: NewFood, response: { 201: Food } } },
      async (request, reply) => {
        const food = await catalogue.addFood(identityOf(request), request.body)
        return reply.code(201).header('location', `/api/foods/${food.food_id}`).send(food)
      },
    )
    app.get(
      '/api/foods',
      {
        schema: {
          ...read('foods', 'The foods of a restaurant'),
          querystring: OfRestaurant,
          response: { 200: z.array(Food) },
        },
      },
      async ({ query }, reply) => {
        const path = `/api/foods?restaurant_id=${query.restaurant_id}`
        return sendPage(reply, path, query, await catalogue.foods(query.restaurant_id, query))
      },
    )
    app.get(
      '/api/foods/:food_id',
      { schema: { ...read('foods', 'One food'), params: params.food, response: { 200: Food } } },
      async ({ params: { food_id } }) => found(await catalogue.food(food_id), food_id),
    )
    app.put(
      '/api/foods/:food_id',
      {
        schema: {
          ...write('foods', 'Change a food'),
          params: params.food,
          body: FoodChange,
          response: { 200: Food },
        },
      },
      async (request) => catalogue.changeFood(identityOf(request), request.params.food_id, request.body),
    )
    app.patch(
      '/api/foods/:food_id/availability',
      {
        schema: {
          ...write('foods', 'Whether a food can be ordered now'),
          params: params.food,
          body: Availability,
          response: { 200: Food },
        },
      },
      async (request) =>
        catalogue.setAvailability(identityOf(request), request.params.food_id, request.body.is_available),
    )
    app.delete(
      '/api/foods/:food_id',
      { schema: { ...write('foods', 'Remove a food'), params: params.food, response: Gone } },
      async (request, reply) => {
        await catalogue.removeFood(identityOf(request), request.params.food_id)
        return reply.code(204).send(null)
      },
    )

    app.post(
      '/internal/foods/quote',
      {
        schema: {
          summary: 'Names and prices of now, for an order',
          tags: ['internal'],
          ...access(['service']),
          body: QuoteRequest,
          response: { 200: Quote },
        },
      },
      async ({ body: { restaurant_id, food_ids } }) =>
        found(await catalogue.quote(restaurant_id, food_ids), restaurant_id),
    )
  }
}

function found<Row>(row: Row | undefined, id: string): Row {
  if (row === undefined) throw new LabError('LAB_NOT_FOUND', `${id} does not exist`)
  return row
}
