# SPDX-License-Identifier: Apache-2.0
#
# The gateway alone; PostgreSQL is another container (compose.yaml) or somebody else's. `migrate` and `serve` are commands of one image.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        gcc libc6-dev make pkg-config libglib2.0-dev libmicrohttpd-dev libcurl4-openssl-dev libyaml-dev \
        libpq-dev libjansson-dev libsodium-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Makefile VERSION ./
COPY tools tools
COPY README.md CHANGELOG.md LICENSE ./
COPY docs docs
COPY schema schema
COPY adapters adapters
COPY gateway gateway
COPY config config
RUN make -j"$(nproc)" && make install DESTDIR=/image PREFIX=/usr

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates tzdata libglib2.0-0 libmicrohttpd12 libcurl4 libyaml-0-2 libpq5 libjansson4 libsodium23 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 switchboard \
    && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/switchboard --create-home --shell /usr/sbin/nologin switchboard
COPY --from=build /image/ /
# Fails where a library is missing.
RUN switchboard --version
# By number: Kubernetes does not look up names before it believes that this is not root.
USER 10001:10001
WORKDIR /var/lib/switchboard
VOLUME /var/lib/switchboard
EXPOSE 8080 8081
# No HEALTHCHECK: the ports are the configuration's. Probe /readyz and /livez of listen.http.
# SIGTERM drains.
STOPSIGNAL SIGTERM
ENTRYPOINT ["switchboard"]
CMD ["serve"]
