# Two stages: the first makes one file, the second holds that file and Node, and neither shell nor package manager.
# Both bases can be exchanged: docker build --build-arg RUNTIME_IMAGE=... (it needs `node`, 24.9 or later, in PATH).
ARG BUILD_IMAGE=node:24-bookworm-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc LICENSE ./
# No install scripts: nothing that is needed here has one that matters.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts ./scripts
COPY src ./src
RUN node scripts/build.ts dist

FROM ${RUNTIME_IMAGE}
ARG RUNTIME_IMAGE
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sallyport" \
      org.opencontainers.image.description="A standalone authenticating reverse proxy: who are you (401), may you (403), and nothing gets past." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${RUNTIME_IMAGE}"
COPY LICENSE /app/LICENSE
COPY --from=build /build/dist/sallyport.mjs /build/dist/healthcheck.mjs /build/dist/THIRD_PARTY_NOTICES.txt \
     /build/dist/sbom.cdx.json /app/
# Three variables make a sidecar of it: SALLYPORT_UPSTREAM, SALLYPORT_ISSUER and SALLYPORT_AUDIENCE.
COPY config/sallyport.image.yaml /etc/sallyport/sallyport.yaml
# Where distroless and Debian keep node. The address counts only where the policy has no `listen`. The C library otherwise
# keeps memory for each thread that ever asked: a fifth of what the gateway takes at rest.
ENV PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin \
    NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    SALLYPORT_DEFAULT_LISTEN=:8080
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
# Liveness, not readiness: an issuer that is down must not make an orchestrator restart every gateway. It asks the address
# that the running gateway says, and loads no more than a socket: see src/cli/probe.ts.
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 \
  CMD ["node", "/app/healthcheck.mjs"]
# The signal would open Node's inspector while the program is being loaded; afterwards it is ignored anyway.
ENTRYPOINT ["node", "--disable-sigusr1", "/app/sallyport.mjs"]
CMD ["run"]
