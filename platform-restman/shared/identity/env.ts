import { z } from 'zod'

/** The variable of everything that signs an identity or believes one. */
export const identityEnv = {
  GATEWAY_SECRET: z
    .string()
    .min(32)
    .describe(
      'The key with which the gateway signs who calls, the same in all services; at least 32 characters',
    ),
}
