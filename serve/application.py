"""The ASGI application: `POST /matte`, and what a service needs beside it.

A photo is the whole body of a request, so that any client can send it, and a page of another site cannot: browsers ask
first before they send such a body to another site, and the application does not agree. No request names a file or an
address for the server to read.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from pydantic.json_schema import SkipJsonSchema
from starlette.requests import ClientDisconnect
from swagger_ui_bundle import swagger_ui_path

import mmnet
from mmnet.batch.isolated import ProcessDiedError, ProcessTimeoutError
from mmnet.errors import MMNetError
from mmnet.failures import failure_line
from mmnet.runtime.imaging.fit import DEFAULT_FIT, Fit
from mmnet.runtime.imaging.nobody import IfNobody, NobodyError
from mmnet.runtime.imaging.stored import PhotoError
from mmnet.runtime.profiles import DEFAULT_PROFILE, Profile
from mmnet.serve.errors import BusyError
from mmnet.serve.metrics import CONTENT_TYPE, Metrics
from mmnet.serve.options import MatteRequest, RequestOptionError, ResultFormat
from mmnet.serve.rendering import PhotoTooLargeError, RenderedPhoto
from mmnet.serve.workers import WorkerPool

_BODY = {
    "required": True,
    "description": "The bytes of a photo file.",
    "content": {
        kind: {"schema": {"type": "string", "format": "binary"}}
        for kind in ("image/jpeg", "image/png", "image/webp", "application/octet-stream")
    },
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ERROR = {
    "content": {
        "application/json": {
            "schema": {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}
        }
    }
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The matte, the cut-out or the composite.",
        "content": {"image/png": _BINARY, "image/jpeg": _BINARY},
        "headers": {
            name: {"description": text, "schema": {"type": kind}}
            for name, text, kind in (
                ("MMNet-Coverage", "The part of the photo that people cover, in 0-1.", "number"),
                ("MMNet-Confidence", "The confidence that somebody is in the photo, in 0-1.", "number"),
                ("MMNet-Nobody", "Whether nobody was found.", "boolean"),
            )
        },
    },
    400: {"description": "A parameter cannot be used.", **_ERROR},
    408: {"description": "The photo took too long to arrive.", **_ERROR},
    413: {"description": "The photo has too many bytes or pixels.", **_ERROR},
    415: {"description": "The body is no photo by its Content-Type.", **_ERROR},
    422: {"description": "The photo cannot be read; or nobody was found, and that is an error.", **_ERROR},
    503: {"description": "The server is busy: try again after the seconds of Retry-After.", **_ERROR},
    504: {"description": "The photo took too long to matte.", **_ERROR},
}
# The status of each error; the first that fits counts. All others are 500.
_STATUS: tuple[tuple[type[MMNetError], int], ...] = (
    (RequestOptionError, 400),
    (BusyError, 503),
    (ProcessTimeoutError, 504),
    (ProcessDiedError, 500),
    (PhotoTooLargeError, 413),
    (PhotoError, 422),
    (NobodyError, 422),
    (MMNetError, 422),
)
_PARAMETERS = ("background", "format", "profile", "fit", "if_nobody")
_CLIENT_LEFT = 499  # what nginx counts such requests as; nobody receives it
_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class BodyError(MMNetError):
    """A body that is not taken.

    Attributes:
        status: the status of the answer.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def create_application(pool: WorkerPool, model: bytes) -> FastAPI:
    """Return the ASGI application.

    Args:
        pool: renders the photos; the caller closes it.
        model: the bytes of the .tflite that the pool runs.
    """
    metrics = Metrics(lambda: pool.replaced)
    application = FastAPI(
        title="MMNet",
        version=mmnet.__version__,
        description="Portrait matting: POST a photo, get its alpha matte, a cut-out or a composite.",
        docs_url=None,
        redoc_url=None,
    )
    application.openapi_version = "3.0.3"  # the newest that the page of swagger-ui-bundle shows
    _add_matte(application, pool, metrics)
    _add_service(application, pool, metrics, model)
    _add_documentation(application)
    return application


def _add_matte(application: FastAPI, pool: WorkerPool, metrics: Metrics) -> None:
    @application.post(
        "/matte",
        summary="Matte a photo",
        responses=_RESPONSES,
        response_class=Response,
        openapi_extra={"requestBody": _BODY},
    )
    async def matte(
        request: Request,
        background: Annotated[
            str | SkipJsonSchema[None],
            Query(
                max_length=64,
                description="A colour (`#00ff00`, `white`) or `blur` for a composite, `transparent` for a cut-out. "
                "Without it, the result is the alpha matte itself, in grey.",
            ),
        ] = None,
        result_format: Annotated[
            ResultFormat, Query(alias="format", description="The format of the result; JPEG holds composites only.")
        ] = ResultFormat.PNG,
        profile: Annotated[
            Profile,
            Query(description="`fine`: alpha guided by the photo, estimated foreground. `fast`: neither."),
        ] = DEFAULT_PROFILE,
        fit: Annotated[
            Fit, Query(description="How the photo is brought into the network's square, as `mmnet matte --fit`.")
        ] = DEFAULT_FIT,
        if_nobody: Annotated[
            IfNobody, Query(description="What becomes of a photo in which nobody is found.")
        ] = IfNobody.KEEP,
    ) -> Response:
        """Send the photo itself as the body. The same photo and parameters give the bytes of `mmnet matte`."""
        with metrics.request():
            try:
                _check_names(request)
                options = MatteRequest(background, result_format, profile, fit, if_nobody)
                with pool.place():
                    result = await pool.render(await _body(request, pool), options)
                answer = _image(result, options)
            except MMNetError as error:
                answer = _failure(error)
            except ClientDisconnect:
                answer = _answer(_CLIENT_LEFT, "the client left")
            except Exception as error:
                answer = _answer(500, failure_line(error, "a request"))
        metrics.count(answer.status_code)
        return answer

    @application.exception_handler(RequestValidationError)
    async def refuse(request: Request, error: RequestValidationError) -> Response:
        """Answer a request with a parameter of another type or value, in one line as all errors."""
        metrics.count(400)
        first = error.errors()[0]
        return _answer(400, f"{first['loc'][-1]} is {first.get('input')!r}; {first['msg'].lower()}")


def _check_names(request: Request) -> None:
    """Refuse a parameter that is unknown or given twice, since the result would be another one than is wanted.

    Raises:
        RequestOptionError: there is one.
    """
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in _PARAMETERS:
            raise RequestOptionError(f"unknown parameter {name!r}; choose from {', '.join(_PARAMETERS)}")
        if names.count(name) > 1:
            raise RequestOptionError(f"parameter {name!r} is given {names.count(name)} times; give it once")


def _add_service(application: FastAPI, pool: WorkerPool, metrics: Metrics, model: bytes) -> None:
    digest = hashlib.sha256(model).hexdigest()

    @application.get("/health", summary="Whether the server works")
    async def health() -> dict[str, Any]:
        """Answer with the version, the hash of the model, and the number of workers."""
        return {"status": "ok", "version": mmnet.__version__, "model": digest, "workers": pool.limits.workers}

    @application.get("/metrics", summary="Counters in the text format of Prometheus", response_class=Response)
    async def show_metrics() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)


def _add_documentation(application: FastAPI) -> None:
    """Add the page that shows and tries the paths; its scripts come from this machine."""
    application.mount("/docs/files", StaticFiles(directory=str(swagger_ui_path)), name="swagger")

    @application.get("/docs", include_in_schema=False)
    async def documentation() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="MMNet",
            swagger_js_url="/docs/files/swagger-ui-bundle.js",
            swagger_css_url="/docs/files/swagger-ui.css",
            swagger_favicon_url="/docs/files/favicon-32x32.png",
        )

    @application.get("/", include_in_schema=False)
    async def start() -> RedirectResponse:
        return RedirectResponse("/docs")


async def _body(request: Request, pool: WorkerPool) -> bytes:
    """Return the body of a request.

    Raises:
        BodyError: it is no photo by its type, is too large, is empty, or takes too long.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind.startswith("image/") and kind != "application/octet-stream":
        raise BodyError(
            415, f"the body is {kind or 'of no type'}; send the photo itself, with Content-Type: image/jpeg or its type"
        )
    most = pool.limits.max_bytes
    too_large = BodyError(413, f"the photo is too large; this server takes {most:,} bytes at most")
    if int(request.headers.get("content-length", "0")) > most:
        raise too_large
    data = bytearray()
    try:
        async with asyncio.timeout(pool.limits.seconds):
            async for chunk in request.stream():
                data += chunk
                if len(data) > most:
                    raise too_large
    except TimeoutError:
        raise BodyError(408, f"the photo did not arrive within {pool.limits.seconds:g} seconds") from None
    if not data:
        raise BodyError(422, "the body is empty; send the bytes of a photo file")
    return bytes(data)


def _image(result: RenderedPhoto, options: MatteRequest) -> Response:
    headers = {
        "MMNet-Coverage": f"{result.coverage:.4f}",
        "MMNet-Confidence": f"{result.confidence:.4f}",
        "MMNet-Nobody": "true" if result.nobody else "false",
    }
    return Response(result.content, media_type=options.format.media_type, headers={**_NO_STORE, **headers})


def _failure(error: MMNetError) -> Response:
    if isinstance(error, BodyError):
        return _answer(error.status, str(error))
    text = f"the photo {error}" if isinstance(error, ProcessDiedError) else str(error)
    return _answer(next(status for kind, status in _STATUS if isinstance(error, kind)), text)


def _answer(status: int, text: str) -> Response:
    headers = {"Retry-After": "1"} if status == 503 else {}
    return JSONResponse({"detail": text}, status, {**_NO_STORE, **headers})
