# Two images from one lock: `web` has no torch, `gpu` has the engine.
FROM python:3.11-slim-bookworm AS web
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 UNITSCOPE_VAR=/var/lib/unitscope UV_SYSTEM_PYTHON=1
WORKDIR /app
RUN pip install --no-cache-dir uv && useradd --create-home --uid 10001 unitscope && install -d -o unitscope /var/lib/unitscope
COPY pyproject.toml requirements.lock ./
RUN uv pip install --no-cache --constraint requirements.lock -r pyproject.toml
COPY annotator annotator
COPY workers workers
COPY hit_templates hit_templates
COPY manage.py ./
USER unitscope

FROM web AS gpu
USER root
RUN uv pip install --no-cache --constraint requirements.lock -r pyproject.toml --extra engine
USER unitscope
