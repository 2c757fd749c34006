"""A part of GitHub's REST API on 127.0.0.1 that keeps to its documented rules: sizes, pages, tokens."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LONGEST_BODY = 65_536
TOKEN = "the-token"
BOT = "github-actions[bot]"
_ROOT = "/repos/owner/project/"


class RefusedError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class GitHub:
    """One repository, `owner/project`: what is in it, and every request that was made."""

    pulls: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=lambda: {"heads/main": "a" * 40})
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    # Commits that the repository itself has; GitHub finds pull requests of no other by commit.
    commits: set[str] = field(default_factory=set)
    permissions: set[str] = field(
        default_factory=lambda: {"comments", "issues", "pulls", "contents"}
    )
    asked: list[str] = field(default_factory=list)
    address: str = ""
    _last: int = 1000

    @property
    def writes(self) -> list[str]:
        return [line for line in self.asked if not line.startswith("GET ")]

    def pull(self, number: int, sha: str, **more: Any) -> dict[str, Any]:
        """An open pull request from a fork's branch `topic`."""
        made = {
            "number": number, "state": "open", "body": "", "user": {"login": "somebody"},
            "head": {"sha": sha, "label": "fork-owner:topic"}, "base": {"ref": "main"},
        }  # fmt: skip
        self.pulls.append(made | more)
        return self.pulls[-1]

    def comment(self, number: int, body: str, author: str = BOT) -> dict[str, Any]:
        self._last += 1
        made = {"id": self._last, "body": body, "user": {"login": author}}
        self.comments.setdefault(number, []).append(made)
        return made

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        """What GitHub answers. Raises `RefusedError`."""
        for pattern, handler in self._routes(method):
            match = re.fullmatch(pattern, path)
            if match:
                return handler(*match.groups(), query=query, body=body)
        raise RefusedError(404, f"{method} {path}")

    def _routes(self, method: str) -> list[tuple[str, Any]]:
        routes: dict[str, list[tuple[str, Any]]] = {
            "GET": [
                (r"pulls", self._list_pulls),
                (r"commits/([^/]+)/pulls", self._pulls_of_commit),
                (r"issues/(\d+)/comments", self._list_comments),
                (r"issues", self._list_issues),
                (r"git/ref/(.+)", self._ref),
            ],
            "POST": [
                (r"issues/(\d+)/comments", self._add_comment),
                (r"issues", self._add_issue),
                (r"git/refs", self._add_ref),
                (r"pulls", self._add_pull),
            ],
            "PATCH": [
                (r"issues/comments/(\d+)", self._change_comment),
                (r"issues/(\d+)", self._change_issue),
                (r"git/refs/(.+)", self._change_ref),
            ],
            "PUT": [(r"contents/(.+)", self._put_file)],
        }
        return routes[method]

    def _list_pulls(self, *, query: dict[str, str], body: Any) -> Any:
        found = [pull for pull in self.pulls if pull["state"] == query.get("state", "open")]
        if "head" in query:
            found = [pull for pull in found if pull["head"]["label"] == query["head"]]
        return _page(found, query)

    def _pulls_of_commit(self, sha: str, *, query: dict[str, str], body: Any) -> Any:
        if sha not in self.commits:
            return []
        return _page([pull for pull in self.pulls if pull["head"]["sha"] == sha], query)

    def _list_comments(self, number: str, *, query: dict[str, str], body: Any) -> Any:
        return _page(self.comments.get(int(number), []), query)

    def _list_issues(self, *, query: dict[str, str], body: Any) -> Any:
        found = [i for i in self.issues if i["user"]["login"] == query.get("creator")]
        return _page(found, query)

    def _ref(self, name: str, *, query: dict[str, str], body: Any) -> Any:
        if name not in self.refs:
            raise RefusedError(404, "no such reference")
        return {"ref": f"refs/{name}", "object": {"sha": self.refs[name]}}

    def _add_comment(self, number: str, *, query: dict[str, str], body: Any) -> Any:
        self._allow("comments")
        return self.comment(int(number), _text(body))

    def _change_comment(self, number: str, *, query: dict[str, str], body: Any) -> Any:
        self._allow("comments")
        comment = next(c for some in self.comments.values() for c in some if c["id"] == int(number))
        comment["body"] = _text(body)
        return comment

    def _add_issue(self, *, query: dict[str, str], body: Any) -> Any:
        self._allow("issues")
        self._last += 1
        made = {
            "number": self._last, "title": body["title"], "body": _text(body),
            "user": {"login": BOT}, "state": "open",
        }  # fmt: skip
        self.issues.append(made)
        return made

    def _change_issue(self, number: str, *, query: dict[str, str], body: Any) -> Any:
        self._allow("issues")
        issue = next(issue for issue in self.issues if issue["number"] == int(number))
        return issue.update(title=body["title"], body=_text(body)) or issue

    def _add_ref(self, *, query: dict[str, str], body: Any) -> Any:
        self._allow("contents")
        name = body["ref"].removeprefix("refs/")
        if name in self.refs:
            raise RefusedError(422, "Reference already exists")
        self.refs[name] = body["sha"]
        return {"ref": body["ref"], "object": {"sha": body["sha"]}}

    def _change_ref(self, name: str, *, query: dict[str, str], body: Any) -> Any:
        self._allow("contents")
        self.refs[name] = body["sha"]
        return {"ref": f"refs/{name}", "object": {"sha": body["sha"]}}

    def _put_file(self, path: str, *, query: dict[str, str], body: Any) -> Any:
        self._allow("contents")
        assert f"heads/{body['branch']}" in self.refs
        self.files[body["branch"], unquote(path)] = base64.b64decode(body["content"], validate=True)
        return {"commit": {"message": body["message"]}}

    def _add_pull(self, *, query: dict[str, str], body: Any) -> Any:
        self._allow("pulls")
        return self.pull(
            len(self.pulls) + 1, self.refs[f"heads/{body['head']}"], body=_text(body),
            title=body["title"], user={"login": BOT},
            head={"ref": body["head"], "sha": self.refs[f"heads/{body['head']}"], "label": "owner:x"},
        )  # fmt: skip

    def _allow(self, what: str) -> None:
        if what not in self.permissions:
            raise RefusedError(403, "Resource not accessible by integration")


def _text(body: Any) -> str:
    text = body["body"]
    if not isinstance(text, str) or len(text) > LONGEST_BODY:
        raise RefusedError(422, "body is too long (maximum is 65536 characters)")
    return text


def _page(found: list[Any], query: dict[str, str]) -> list[Any]:
    size, page = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
    return found[size * (page - 1) : size * page]


@contextmanager
def serving(github: GitHub) -> Iterator[GitHub]:
    """The repository, listening."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            github.asked.append(f"{self.command} {self.path}")
            try:
                self._admit(parts.path)
                path = parts.path.removeprefix(_ROOT)
                status, answer = 200, github.answer(self.command, path, query, body)
            except RefusedError as error:
                status, answer = error.status, {"message": str(error)}
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _admit(self, path: str) -> None:
            if self.headers.get("authorization") != f"Bearer {TOKEN}":
                raise RefusedError(401, "Bad credentials")
            if not self.headers.get("user-agent"):
                raise RefusedError(403, "a user agent is needed")
            if not path.startswith(_ROOT):
                raise RefusedError(404, path)

        do_POST = do_PATCH = do_PUT = do_GET  # noqa: N815 (as they are called there)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    github.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
