"""`odyssey publish`."""

from __future__ import annotations

import functools
import webbrowser
from collections.abc import Callable
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click

from odyssey_asv import publishing
from odyssey_asv.adapter import site as asv_site
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.cli import Scene, next_command
from odyssey_asv.cli.exits import Exit, put, say
from odyssey_asv.cli.options import load_asv, load_config
from odyssey_asv.config import Config
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.files import near
from odyssey_asv.past.histories import history
from odyssey_asv.report.site import Site, pages
from odyssey_asv.workspace import start_state

_FOLDER = "odyssey"


@click.command()
@click.option("--only-ours", is_flag=True, help="Leave asv's site as it is.")
@click.option(
    "--out", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="Where our pages go (default: the folder odyssey in asv's html_dir).",
)  # fmt: skip
@click.option("--open", "show", is_flag=True, help="Open the pages in the browser.")
@click.option("--serve", is_flag=True, help="Serve them on 127.0.0.1 until Ctrl-C.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="For --serve (default: any free one)."
)
@click.pass_obj
def publish(scene: Scene, /, out: Path | None, *, only_ours: bool, **asked: Any) -> int:
    """Make asv's site and, beside it, pages of our own.

    Our pages show what regressed, every benchmark's past with its change points, the baselines, the
    latest check and search, and a feed. They need no network and open from the disk. Prints where they
    are. A second time, only what changed is written.
    """
    config = load_config(scene)
    asv = load_asv(scene, config)
    folder = out.absolute() if out is not None else asv.html_dir / _FOLDER
    found = history(scene.folder, asv_config=scene.asv_config)
    if not only_ours:
        _asv(asv, config)
    inside = folder.parent == asv.html_dir and (asv.html_dir / "index.html").is_file()
    site = Site(
        project=asv.project,
        history=found,
        commit_url=asv.commit_url,
        baselines=publishing.baselines(config),
        reports=tuple(publishing.reports(config)),
        asv_pages=inside,
    )
    written = publishing.write_pages(folder, pages(site))
    say(
        f"{written.written} files written, {written.unchanged} unchanged, {written.removed} removed"
    )
    index = folder / "index.html"
    put(near(index))
    return _show(folder if not inside else asv.html_dir, index, **asked)


def _asv(asv: AsvConfig, config: Config) -> None:
    say("asv publish … (takes minutes on large trees; --only-ours leaves it out)")
    start_state(config.state)
    asv_site.publish(asv, config.state / "publish.log", keep=_FOLDER)


def _show(root: Path, index: Path, *, show: bool, serve: bool, port: int) -> int:
    if serve:
        _serve(root, index.relative_to(root), port, show=show)
    elif show:
        _open(index.as_uri())
    else:
        next_command.tell("odyssey publish --only-ours --open")
    return Exit.OK


def _open(address: str) -> None:
    if not webbrowser.open(address):
        say(f"no browser could be opened: {address}")


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as it is called there)
        """Not even that."""


class _Server(ThreadingHTTPServer):
    """One that minds no browser which leaves before it has everything."""

    def handle_error(self, request: object, client_address: object) -> None:
        """The next request has a thread of its own."""


def _listening(port: int, handler: Callable[..., _Quiet]) -> _Server:
    try:
        return _Server(("127.0.0.1", port), handler)
    except OSError as error:
        raise InvalidInputError(
            f"--port {port}: {error.strerror or error}", tip="leave it out for any free one"
        ) from error


def _serve(root: Path, index: Path, port: int, *, show: bool) -> None:
    handler = functools.partial(_Quiet, directory=str(root))
    with _listening(port, handler) as server:
        address = f"http://127.0.0.1:{server.server_port}/{index.as_posix()}"
        say(f"serving {address} until Ctrl-C")
        if show:
            _open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("stopped")
