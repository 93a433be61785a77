# Two images, each from its part of requirements.lock by hash: `web` has no torch, `gpu` has the engine.
FROM python:3.11.14-slim-bookworm AS web
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 UNITSCOPE_VAR=/var/lib/unitscope
WORKDIR /app
RUN useradd --create-home --uid 10001 unitscope && install -d -o unitscope /var/lib/unitscope
COPY requirements.web.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.web.lock
COPY annotator annotator
COPY workers workers
COPY hit_templates hit_templates
COPY manage.py ./
USER unitscope

FROM web AS gpu
USER root
COPY requirements.gpu.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.gpu.lock
USER unitscope
