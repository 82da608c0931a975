import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { isAdminUrl } from './admin-door.ts'

export interface DocumentOptions {
  service: string
  description: string
  /** Whether `/admin` asks for a token: the page at `/docs` then offers to enter it. */
  needsToken: boolean
}

/** The OpenAPI document of a service, from the schemas that check its requests. */
export function openapi({ service, description, needsToken }: DocumentOptions): FastifyDynamicSwaggerOptions {
  const adminToken = {
    type: 'http',
    scheme: 'bearer',
    description: 'The ADMIN_TOKEN of this service',
  } as const
  return {
    openapi: {
      openapi: '3.1.0',
      info: { title: service, description, version: '1.0.0' },
      ...(needsToken && { components: { securitySchemes: { adminToken } } }),
    },
    transform: (route) => {
      const { schema, url } = jsonSchemaTransform(route)
      if (!needsToken || !isAdminUrl(url)) return { schema, url }
      return { schema: { ...schema, security: [{ adminToken: [] }] }, url }
    },
    transformObject: jsonSchemaTransformObject,
  }
}
