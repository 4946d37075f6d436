# One image for web, workers, beat and migrations. Nothing of the demo or the tests is in it.
FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/run.txt /tmp/run.txt
RUN /opt/venv/bin/pip install --quiet --require-hashes -r /tmp/run.txt
COPY . /app
WORKDIR /app
# Compiles the translation catalogues as well, as every command does. Bytecode is made now: the container cannot write.
RUN STATIC_MANIFEST=1 /opt/venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && /opt/venv/bin/python -m compileall -q /app /opt/venv/lib

FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin jeongsan \
    && install -d -o jeongsan -g jeongsan -m 0700 /var/lib/jeongsan
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    STATIC_MANIFEST=1 STORAGE_DIR=/var/lib/jeongsan BIND=0.0.0.0:8000
USER jeongsan
VOLUME /var/lib/jeongsan
EXPOSE 8000
CMD ["gunicorn", "--config", "python:config.gunicorn", "config.wsgi"]
