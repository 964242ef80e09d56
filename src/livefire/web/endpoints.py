"""The table of the JSON interface: each endpoint with what it asks for and answers, so that routes, answers and the OpenAPI document are one thing."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from livefire import QueryError, Workspace
from livefire.web.access import Role, User
from livefire.web.desk import Call, Desk, NotYoursError, place_of
from livefire.web.jobs import BusyError

PREFIX = "/api/v1"


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a request may say."""


class Nothing(Asked, frozen=True):
    """A request that says nothing."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing to ask: `path` may hold `{parameters}`; `gives` is the type of its answer, `asks` the body of a POST, or what a GET takes in its address."""

    method: str
    path: str
    name: str
    gives: Any
    summary: str
    handler: Callable[[Call, Any], Any]
    asks: type[Asked] = Nothing
    role: Role = "viewer"


class WrongRequestError(Exception):
    """A request that says something that cannot be."""


def routes(desk: Desk, endpoints: Sequence[Endpoint]) -> list[Route]:
    """Return the endpoints as routes, and the document about them."""

    async def describe(_request: Request) -> Response:
        return JSONResponse(_document(tuple(endpoints)))

    async def absent(_request: Request) -> Response:
        return _fault(404, "E757", "there is no such endpoint")

    made = [Route(PREFIX + e.path, _answering(desk, e), methods=[e.method]) for e in endpoints]
    return [*made, Route(f"{PREFIX}/openapi.json", describe, methods=["GET"]), Route("/api/{rest:path}", absent, methods=["GET", "POST", "DELETE"])]


def _answering(desk: Desk, one: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    @functools.wraps(one.handler)
    async def answer(request: Request) -> Response:
        user: User = request.state.user
        call = Call(desk, request, user, dict(request.query_params))
        if one.role == "editor" and not user.edits:
            call.note("refused", path=request.url.path)
            return _fault(403, "E756", "you may look, and not change")
        try:
            asked = _decoded(one, await request.body(), call)
            return await run_in_threadpool(_answer, one, call, asked)
        except (WrongRequestError, msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as wrong:
            return _fault(400, "E754", Workspace.harmless(str(wrong))[:400])
        except KeyError as absent:
            return _fault(404, "E757", Workspace.harmless(f"there is no {absent.args[0] if absent.args else 'such thing'}")[:400])
        except NotYoursError:
            call.note("refused", path=request.url.path)
            return _fault(403, "E756", "whoever began it can do this, or an editor")
        except BusyError:
            return _fault(503, "E758", "as much is running as may run at once")
        except QueryError as error:
            first = next((d for d in error.diagnostics if d.severity == "error"), None)
            said = desk.workspace.said(error.source.text, "", error.diagnostics)
            return _fault(422, first.code if first else "E454", Workspace.harmless(first.message if first else "it cannot be run"), said)
        except Exception as fault:  # noqa: BLE001 - nobody above an endpoint; the audit log says where to look
            call.note("fault", path=request.url.path, fault=place_of(fault))
            return _fault(500, "E009", f"a fault of livefire itself: {place_of(fault)}")

    return answer


def _answer(one: Endpoint, call: Call, asked: Asked) -> Response:
    """Return what an endpoint gives, made into its type; what is of another shape is answered as it is, and the audit log says so."""
    found = Workspace.as_data(one.handler(call, asked))
    try:
        made = msgspec.convert(found, one.gives)
    except msgspec.ValidationError as other:
        call.note("fault", path=call.request.url.path, fault=f"an answer of another shape than its document says: {str(other)[:200]}")
        return JSONResponse(found)
    return Response(msgspec.json.encode(made), media_type="application/json")


def _decoded(one: Endpoint, body: bytes, call: Call) -> Asked:
    if one.method == "POST":
        return msgspec.json.decode(body or b"{}", type=one.asks)
    return msgspec.convert(dict(call.given), one.asks, strict=False)


def _fault(status: int, code: str, message: str, diagnostics: Sequence[Any] = ()) -> JSONResponse:
    return JSONResponse({"code": code, "message": message, "diagnostics": list(diagnostics)}, status)


@functools.cache
def _document(endpoints: tuple[Endpoint, ...]) -> dict[str, Any]:
    """Return the document of a server's endpoints, made when somebody asks for it."""
    return openapi(endpoints)


def openapi(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of endpoints: https://spec.openapis.org/oas/v3.1.0."""
    from livefire import __version__

    asked = list(dict.fromkeys(e.asks for e in endpoints if e.method == "POST"))
    schemas, components = msgspec.json.schema_components([*asked, *(e.gives for e in endpoints)], ref_template="#/components/schemas/{name}")
    asks, gives = dict(zip(asked, schemas, strict=False)), schemas[len(asked) :]
    fault = {
        "type": "object",
        "required": ["code", "message", "diagnostics"],
        "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "diagnostics": {"type": "array", "items": {"type": "object"}}},
    }
    paths: dict[str, Any] = {}
    for one, given in zip(endpoints, gives, strict=True):
        paths.setdefault(PREFIX + one.path.replace(":path", ""), {})[one.method.lower()] = _operation(one, asks.get(one.asks), given)
    return {
        "openapi": "3.1.0",
        "info": {"title": "livefire", "version": __version__, "description": "What the pages of livefire ask. Sign in with `Authorization: Bearer`."},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": {**components, "Fault": fault}, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
    }


def _operation(one: Endpoint, asks: dict[str, Any] | None, gives: dict[str, Any]) -> dict[str, Any]:
    said = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Fault"}}}}
    reasons = {"400": "the request says something that cannot be", "401": "nobody is signed in", "403": "not yours to change", "404": "there is no such thing"}
    reasons |= {"413": "too long", "415": "not JSON", "422": "the query cannot be run faithfully", "503": "busy"}
    answers: dict[str, Any] = {"200": {"description": "done", "content": {"application/json": {"schema": gives}}}}
    answers |= {status: {"description": text, **said} for status, text in reasons.items()}
    names = [part[1:-1].partition(":")[0] for part in one.path.split("/") if part.startswith("{")]
    given: list[dict[str, Any]] = [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names]
    operation: dict[str, Any] = {"operationId": one.name, "summary": one.summary, "responses": answers}
    if asks is not None and one.method == "POST":
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": asks}}}
    else:
        shape = msgspec.json.schema_components([one.asks])[1].get(one.asks.__name__, {})
        needed = shape.get("required", [])
        given += [{"name": n, "in": "query", "required": n in needed, "schema": s} for n, s in shape.get("properties", {}).items()]
    if given:
        operation["parameters"] = given
    return operation
