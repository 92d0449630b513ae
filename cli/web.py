"""`mmnet web`: the page that mattes in a browser."""

from __future__ import annotations

import ipaddress
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mmnet.cli.options import ModelOption
from mmnet.runtime import MattingModel
from mmnet.runtime.model import default_model
from mmnet.web.errors import WebError


def web(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free port.")] = 8000,
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="The address to listen on; [b]0.0.0.0[/] lets other devices in."),
    ] = "127.0.0.1",
    model: ModelOption = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    certificate: Annotated[
        Path | None,
        typer.Option("--cert", metavar="FILE", help="Serve HTTPS with this certificate (PEM).", show_default=False),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="The certificate's key (PEM), if apart.", show_default=False),
    ] = None,
) -> None:
    """Matte in the browser: photos and the live camera, with the model running in the page.

    \b
    Examples:
      mmnet web --open
      mmnet web --port 0 --model mine.tflite
      mmnet web --host 0.0.0.0 --cert cert.pem --key key.pem      (for a phone in the same network)

    Photos never leave the browser. The page's address goes to standard output; Ctrl-C ends. Browsers give a page the
    camera, and let it work offline, on this machine or over HTTPS only.
    """
    # They need lzma and ssl, which not every Python is built with; the other commands do without.
    from mmnet.web.content import build
    from mmnet.web.server import WebServer

    if key is not None and certificate is None:
        raise typer.BadParameter("--key goes with --cert")
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with WebServer(build(_checked(model)), host, port, certificate, key) as server:
        typer.echo(server.url)
        if certificate is None and not _is_loopback(host):
            console.print("[yellow]note:[/] without --cert other devices have no camera on this page; photos work")
        console.print("Ctrl-C ends")
        if open_browser and not webbrowser.open(server.url):
            console.print("[yellow]note:[/] no browser could be opened; open the address above yourself")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.print("ended")


def _checked(model: Path | None) -> bytes:
    """The model's bytes, once the runtime has accepted them.

    Raises:
        ModelError: it is none that the runtime takes.
        WebError: it cannot be read.
    """
    if model is None:
        return default_model()
    MattingModel(model, threads=1).close()
    try:
        return model.read_bytes()
    except OSError as error:
        raise WebError(f"{model}: cannot be read: {error.strerror}") from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
