# fleetcast serve: non-root, with a read-only root file system but for /data, which holds the history.
FROM python:3.12-slim AS build
COPY . /source
RUN pip wheel --no-cache-dir --wheel-dir /wheels "/source[web]"

FROM python:3.12-slim
RUN --mount=from=build,source=/wheels,target=/wheels pip install --no-cache-dir --no-index --find-links /wheels "fleetcast[web]" \
    && useradd --uid 10001 --create-home --home-dir /data fleetcast
USER 10001
ENV HOME=/data XDG_CACHE_HOME=/data/cache XDG_DATA_HOME=/data
VOLUME /data
EXPOSE 8377
# FLEETCAST_TOKEN must be set; --name takes the host name under which it is reached.
ENTRYPOINT ["fleetcast", "serve", "--host", "0.0.0.0"]
