import type { Servers } from '@lab/stack/servers/index.ts'
import { request } from 'undici'

const TABLES = ['orders', 'order_items', 'bills'] as const

/** The analytics database as anybody sees it, over its HTTP interface; with whole numbers and ids there is nothing to quote. */
export function openClickHouse({ url, database }: Servers['clickhouse']) {
  const { origin, username, password } = new URL(url)
  const credentials = [username || 'default', password].map(decodeURIComponent).join(':')
  async function query(sql: string): Promise<string> {
    const { statusCode, body } = await request(`${origin}/?database=${encodeURIComponent(database)}`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
      body: sql,
      signal: AbortSignal.timeout(20_000),
    })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`ClickHouse answered ${statusCode}: ${text.slice(0, 300)}`)
    return text
  }
  return {
    count: async (table: (typeof TABLES)[number]) =>
      Number(await query(`SELECT count() FROM ${table} FINAL`)),
    orderIds: async () => (await query('SELECT order_id FROM orders')).split('\n').filter(Boolean),
    /** Everything that is stored, each row once, as one number. */
    digest: async () => {
      const sums = TABLES.map((table) =>
        query(`SELECT count(), sum(sipHash64(formatRow('TSV', *))) FROM ${table} FINAL`),
      )
      return (await Promise.all(sums)).map((line) => line.trim()).join(' / ')
    },
    async empty(): Promise<void> {
      for (const table of TABLES) await query(`TRUNCATE TABLE ${table}`)
    },
  }
}
