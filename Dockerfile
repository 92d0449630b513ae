# The light runtime in a container, without TensorFlow and without root.
#
#     docker build -t mmnet .
#     docker run --rm -v "$PWD:/photos" --user "$(id -u):$(id -g)" mmnet matte photo.jpg
#     docker run --rm -i mmnet matte - -b blur < photo.jpg > blurred.jpg

FROM python:3.11-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
COPY . /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.11-slim
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir /wheels/*.whl \
    && rm -r /wheels \
    && useradd --create-home mmnet
USER mmnet
WORKDIR /photos
ENTRYPOINT ["mmnet"]
CMD ["--help"]
