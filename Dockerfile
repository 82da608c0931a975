# One image for every service of the lab: the compose files choose a service by its command.
FROM node:24-slim AS dependencies
WORKDIR /lab
COPY package.json package-lock.json .npmrc ./
COPY common/package.json common/
COPY sync-rest/package.json sync-rest/
COPY async-rabbitmq/package.json async-rabbitmq/
COPY streaming-kafka/package.json streaming-kafka/
COPY lab/package.json lab/
# Only what the services need at run time; the bench and its tools stay out. `npm ci` keeps the workspaces as links,
# and it must: Node strips types only from files whose real path is outside node_modules.
RUN npm ci --omit=dev --workspace common --workspace sync-rest --workspace async-rabbitmq --workspace streaming-kafka

FROM node:24-slim
WORKDIR /lab
# State survives `docker compose kill` in the volume mounted here; the services run as an ordinary user.
RUN mkdir /data && chown node:node /data
COPY --from=dependencies /lab/node_modules node_modules
COPY package.json ./
COPY common common
COPY sync-rest sync-rest
COPY async-rabbitmq async-rabbitmq
COPY streaming-kafka streaming-kafka
USER node
# The heap of a service on an 8 GB laptop; lab/stack/service.ts has the same flags, and says why. The third one,
# --heap-growing-percent, is not allowed here: it is in the commands of the compose files.
ENV HOST=0.0.0.0 NODE_OPTIONS="--max-semi-space-size=16 --max-old-space-size=192"
CMD ["node", "-e", "console.error('name a service, e.g. node sync-rest/order-service/server.ts'); process.exit(2)"]
