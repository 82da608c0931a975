import type { RoutePlugin } from '@lab/kit/http.ts'
import type { startFigures } from './index.ts'

/** `GET /api/figures`: the last quarter of an hour, and the newest figures; what follows comes by the stream. */
export const figureRoutes =
  (figures: Pick<ReturnType<typeof startFigures>, 'history'>): RoutePlugin =>
  async (app) => {
    const schema = { summary: 'Depths and lags over time, and the newest figures', tags: ['figures'] }
    app.get('/api/figures', { schema }, async () => figures.history())
  }
