import { OUTBOX_SCHEMA } from '../outbox/outbox.ts'
import { INBOX_SCHEMA } from './inbox.ts'
import { STOCK_SCHEMA } from './stock-store.ts'

/** One file, so that one transaction can cover what arrived, what it moved and what is announced. */
export const INVENTORY_SCHEMA = INBOX_SCHEMA + STOCK_SCHEMA + OUTBOX_SCHEMA
