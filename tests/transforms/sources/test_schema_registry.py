"""What a registry's answers mean: only a clear "not found" is the message's fault."""

import base64
import contextlib
import json
import pickle
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from driftline.decoding.confluent_messages import SchemaIdError
from driftline.transforms.sources.schema_registry import RegistrySchemas, SchemaRegistryUnavailableError

SECRET = "hunter2-correct-horse"
AT_ONCE = {"max.retries": "0"}


@contextlib.contextmanager
def answering(status, body, seconds=0.0):
    """A server with one answer, and the requests it gets."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append((self.path, self.headers.get("Authorization")))
            time.sleep(seconds)
            with contextlib.suppress(OSError):  # the client may be gone
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()


def test_a_schema_is_asked_for_once_with_the_login():
    login = {"basic.auth.user.info": f"me:{SECRET}"}
    with answering(200, {"schema": '"x"'}) as (url, requests):
        schemas = pickle.loads(pickle.dumps(RegistrySchemas(url, login)))
        assert [schemas(7), schemas(7)] == ['"x"', '"x"']
        assert pickle.loads(pickle.dumps(schemas)) == schemas, "the connection stays behind"
    ((path, authorization),) = requests
    assert path == "/schemas/ids/7"
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"me:{SECRET}"


@pytest.mark.parametrize("code", [40401, 40402, 40403])
def test_not_found_is_the_fault_of_the_id(code):
    answer = answering(404, {"error_code": code, "message": "no"})
    with answer as (url, _), pytest.raises(SchemaIdError, match="unknown schema id 7: the registry"):
        RegistrySchemas(url)(7)


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [
        (401, {"error_code": 401, "message": "Unauthorized"}, "status code 401"),
        (403, {"error_code": 40301, "message": "denied"}, "status code 403"),
        (404, {"error_code": 404, "message": "no such path"}, "status code 404"),
        (404, b"<html>", "status code 404"),
        (404, {}, "status code 404"),
        (429, {"error_code": 429, "message": "slow down"}, "status code 429"),
        (500, {"error_code": 50001, "message": "store"}, "status code 500"),
        (503, b"", "status code 503"),
        (200, b"<html>a proxy's login page</html>", "could not be asked"),
        (200, b"[]", "could not be asked"),
        (200, {}, "its answer holds no schema"),
        (503, b"x" * 100_000, "status code 503|Unknown Schema Registry Error"),
    ],
)
def test_any_other_answer_is_tried_again(status, body, found):
    login = {**AT_ONCE, "basic.auth.user.info": f"me:{SECRET}"}
    failure = pytest.raises(SchemaRegistryUnavailableError, match=found)
    with answering(status, body) as (url, _), failure as caught:
        RegistrySchemas(url, login)(7)
    assert "schema id 7" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert len(str(caught.value)) < 1_000


def test_a_registry_that_hangs_is_given_up_on():
    with answering(200, {"schema": '"x"'}, seconds=1.0) as (url, _):
        began = time.monotonic()
        with pytest.raises(SchemaRegistryUnavailableError, match="Timeout"):
            RegistrySchemas(url, {**AT_ONCE, "timeout": "0.1"})(7)
        assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"schema": "{}", "schemaType": "PROTOBUF"}, "schema id 7 is of the type PROTOBUF, not Avro"),
        (
            {"schema": "{}", "references": [{"name": "a.B", "subject": "b", "version": 1}]},
            "schema id 7 refers to other schemas, which is not supported: a.B",
        ),
    ],
)
def test_schemas_of_no_use_here(answer, found):
    with answering(200, answer) as (url, _), pytest.raises(SchemaIdError) as caught:
        RegistrySchemas(url)(7)
    assert str(caught.value) == found


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"max.retrys": "3"}, "Unrecognized properties: max.retrys"),
        ({"timeout": SECRET}, "timeout must be a number"),
        ({"basic.auth.user.info": SECRET}, "basic.auth.user.info must be in the form"),
    ],
)
def test_options_are_checked_without_showing_them(options, found):
    schemas = RegistrySchemas("http://127.0.0.1:1", options)
    assert SECRET not in repr(schemas)
    with pytest.raises(ValueError, match=found) as caught:
        schemas.client()
    assert SECRET not in str(caught.value)
