# One image for every service of the lab: the compose files choose a service by its command.
FROM node:24-slim AS dependencies
WORKDIR /lab
COPY . .
# Only what the services need at run time; the bench and its tools stay out. `npm ci` keeps the workspaces as links,
# and it must: Node strips types only from files whose real path is outside node_modules.
# --include=prod: .npmrc includes the development packages, which --omit alone does not undo.
RUN npm ci --omit=dev --include=prod $(node -p "require('node:fs').globSync('*/package.json').map((file) => file.split('/')[0]) \
      .filter((name) => !['stack', 'lab', 'scripts'].includes(name)).map((name) => '--workspace ' + name).join(' ')")
# The live page reads brokers with files of stack, whose packages it names itself; most of stack's own stay out.
RUN ln -s ../../stack node_modules/@lab/stack

# The pages, built and compressed with tools that the image does not keep.
FROM node:24-slim AS pages
WORKDIR /lab
COPY . .
RUN npm ci --workspace stack $(node -p "require('node:fs').globSync('*/page').map((page) => '--workspace ' + page).join(' ')")
RUN mkdir /pages && node --input-type=module -e " \
      import { cpSync, globSync } from 'node:fs'; \
      import { resolve } from 'node:path'; \
      import { buildPage } from '@lab/stack/pages.ts'; \
      for (const page of globSync('*/page')) \
        cpSync(await buildPage(resolve(page)), '/pages/' + page + '/dist', { recursive: true })"

FROM node:24-slim
WORKDIR /lab
# State survives `docker compose kill` in the volume mounted here; the services run as an ordinary user.
RUN mkdir /data && chown node:node /data
COPY --from=dependencies /lab ./
COPY --from=pages /pages ./
USER node
ENV HOST=0.0.0.0 MALLOC_ARENA_MAX=1
# The same flags as in stack/service.ts, which says why.
ENTRYPOINT ["node", "--max-semi-space-size=8", \
  "--max-old-space-size=192", \
  "--initial-old-space-size=44", \
  "--v8-pool-size=2", \
  "--no-parallel-scavenge", \
  "--no-maglev", \
  "--invocation-count-for-turbofan=1500", \
  "--no-allocation-site-pretenuring", \
  "--no-node-snapshot"]
CMD ["-e", "console.error('name a service, e.g. sync-rest/order-service/server.ts'); process.exit(2)"]
