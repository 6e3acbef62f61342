# The image of every party and of the coordinator. Any Debian with Python 3.11 or newer and its venv
# module can be the base: docker build --build-arg BASE_IMAGE=... .
ARG BASE_IMAGE=python:3.12-slim-bookworm

FROM ${BASE_IMAGE} AS build
# requirements-server.lock: a mailbox and figures for Prometheus, too.
ARG REQUIREMENTS=requirements.lock
WORKDIR /src
COPY ${REQUIREMENTS} ./
RUN python3 -m venv /opt/ostraka \
    && /opt/ostraka/bin/pip install --no-cache-dir --require-hashes --requirement ${REQUIREMENTS}
COPY pyproject.toml README.md LICENSE ./
COPY src src
# What only installs and tests does not travel further.
RUN /opt/ostraka/bin/pip install --no-deps --no-build-isolation --no-index . \
    && /opt/ostraka/bin/pip uninstall --yes setuptools pip \
    && find /opt/ostraka -type d -name tests -prune -exec rm -r {} +

FROM ${BASE_IMAGE}
# A fixed number, so that files on a mounted volume keep their owner from one image to the next.
RUN groupadd --gid 10001 ostraka \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /state --shell /usr/sbin/nologin ostraka \
    && install -d -m 0700 -o ostraka -g ostraka /keys /session /state
COPY --from=build /opt/ostraka /opt/ostraka
ENV PATH=/opt/ostraka/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /state
ENTRYPOINT ["ostraka"]
CMD ["--help"]
