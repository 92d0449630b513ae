"""`mmnet web`: serve the page that mattes in the browser."""

from __future__ import annotations

import ipaddress
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from mmnet.cli.options import ModelOption
from mmnet.cli.process.streams import echo, output_fails


def web(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free port.")] = 8000,
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="The address to listen on; [b]0.0.0.0[/] lets other devices connect."),
    ] = "127.0.0.1",
    model: ModelOption = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="A further name by which browsers may call this machine over HTTP. Its addresses, localhost and its "
            "own name need no mention. Repeatable.",
            show_default=False,
        ),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    certificate: Annotated[
        Path | None,
        typer.Option("--cert", metavar="FILE", help="Serve HTTPS with this certificate (PEM).", show_default=False),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", metavar="FILE", help="The certificate's key (PEM), if in another file.", show_default=False
        ),
    ] = None,
) -> None:
    """Matte in the browser: photos and the live camera, with the model running in the page.

    \b
    Examples:
      mmnet web --open
      mmnet web --port 0 --model mine.tflite
      mmnet web --host 0.0.0.0 --cert cert.pem --key key.pem      (for a phone in the same network)

    Photos never leave the browser. The address of the page goes to standard output; Ctrl-C stops the server. Browsers
    let a page use the camera, and work offline, on this machine or over HTTPS only.
    """
    from mmnet.api.checked_model import checked_model
    from mmnet.cli.console import message_console

    # Imported here, since they need lzma and ssl, which not every Python has; --help works without.
    from mmnet.web.content import build
    from mmnet.web.server import WebServer

    if key is not None and certificate is None:
        raise typer.BadParameter("--key goes with --cert")
    console = message_console()
    with WebServer(build(checked_model(model)), host, port, certificate, key, names or ()) as server:
        echo(server.url)
        if output_fails():  # nobody learns the address
            return
        if certificate is None and not _is_loopback(host):
            console.print(
                "[yellow]note:[/] without --cert only this machine has a camera on the page; photos work everywhere"
            )
        console.print("Ctrl-C stops the server")
        if open_browser and not webbrowser.open(server.url):
            console.print("[yellow]note:[/] no browser could be opened; open the address above in one")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            console.print("stopped")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
