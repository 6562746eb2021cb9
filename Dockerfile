# The broker as a container: no shell, no package manager, no user but one without rights, nothing it can write to.
#
# Both bases and the certificate authorities are pinned by what you give; there are no defaults, so nothing unseen gets
# in. docs/broker-on-aws.md says how to read the three values. Build with BuildKit.
ARG NODE_DIGEST
ARG DISTROLESS_DIGEST

FROM node:24-bookworm-slim@${NODE_DIGEST} AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No package's scripts run: what is installed is what the lock file's hashes say.
RUN npm ci --ignore-scripts
COPY build.mjs tsconfig.json ./
COPY src src
RUN node build.mjs
COPY policies policies
# A set that would not be served makes no image.
RUN node dist/cli/main.js policy check policies

FROM node:24-bookworm-slim@${NODE_DIGEST} AS production
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM gcr.io/distroless/nodejs24-debian12:nonroot@${DISTROLESS_DIGEST}
ARG RDS_CA_SHA256
WORKDIR /app
ENV NODE_ENV=production
# Owned by root and read by the broker: what it runs it cannot change, whatever the file system allows.
COPY --chown=0:0 --from=production /app/node_modules node_modules
COPY --chown=0:0 --from=build /app/dist dist
COPY --chown=0:0 --from=build /app/policies policies
COPY --chown=0:0 package.json ./
ADD --chown=0:0 --chmod=444 --checksum=sha256:${RDS_CA_SHA256} https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem rds-ca.pem
USER 65532:65532
EXPOSE 8787
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD ["/nodejs/bin/node", "-e", "fetch('http://127.0.0.1:8787/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/nodejs/bin/node", "dist/cli/main.js"]
CMD ["serve"]
