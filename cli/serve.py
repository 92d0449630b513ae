"""`mmnet serve`: mattes over HTTP, for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from mmnet.cli.options import ModelOption
from mmnet.cli.process.streams import echo, output_fails
from mmnet.errors import MissingExtraError

PortOption = Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes a free port.")]
HostOption = Annotated[
    str, typer.Option(metavar="ADDRESS", help="The address to listen on; [b]0.0.0.0[/] lets other machines connect.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option(min=1, max=256, help="Worker processes, with one core each.", show_default="one per core"),
]
QueueOption = Annotated[
    int, typer.Option(min=0, max=10_000, help="Requests that may wait for a worker; all others are answered 503.")
]
ConnectionsOption = Annotated[
    int, typer.Option(min=1, max=100_000, help="Open connections at a time; all others are closed without an answer.")
]
MegabytesOption = Annotated[
    float, typer.Option(metavar="MB", min=0.001, max=1073, help="The largest photo file that is taken.")
]
MegapixelsOption = Annotated[
    float, typer.Option(metavar="MP", min=0.001, max=268, help="The largest photo that is taken.")
]
TimeoutOption = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0.001,
        max=3600,
        help="How long a request may take to begin, a photo to arrive, to be matted, and its result to be taken.",
    ),
]


def serve(
    port: PortOption = 8000,
    host: HostOption = "127.0.0.1",
    model: ModelOption = None,
    workers: WorkersOption = None,
    queue: QueueOption = 16,
    max_connections: ConnectionsOption = 512,
    max_megabytes: MegabytesOption = 50,
    max_megapixels: MegapixelsOption = 100,
    timeout: TimeoutOption = 30,
) -> None:
    """Serve mattes over HTTP: a photo in, its alpha matte, a cut-out or a composite out.

    \b
    Examples:
      mmnet serve
      curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' localhost:8000/matte -o alpha.png
      curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' \\
           'localhost:8000/matte?background=transparent' -o cutout.png
      mmnet serve --workers 4 --queue 32 --port 0

    The results are the bytes of mmnet matte. /docs shows and tries every parameter, /health and /metrics are for
    monitoring. The address goes to standard output; Ctrl-C stops the server once its requests are answered. It has no
    passwords: let others reach it only through a proxy that has. Needs the extra serve.
    """
    from mmnet.api.checked_model import checked_model
    from mmnet.cli.console import message_console

    try:
        from mmnet.serve.server import MatteServer
    except ImportError as error:
        raise MissingExtraError("serve", error.name or "a web framework") from error
    from mmnet.evaluation.machine import usable_cores
    from mmnet.serve.options import ServerLimits

    limits = ServerLimits(
        workers=workers or usable_cores(),
        queue=queue,
        connections=max_connections,
        max_bytes=round(max_megabytes * 1_000_000),
        max_pixels=round(max_megapixels * 1_000_000),
        seconds=timeout,
    )
    console = message_console()
    with MatteServer(checked_model(model), limits, host, port) as server:
        echo(server.url)
        if output_fails():  # nobody learns the address
            return
        if server.is_public:
            console.print("[yellow]note:[/] everybody who reaches this address can use the server")
        console.print("Ctrl-C stops the server")
        try:
            server.run()
        except KeyboardInterrupt:
            console.print("stopped")
