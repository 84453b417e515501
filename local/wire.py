"""Reads AWS requests and answers off the wire, with botocore's models: any service, any operation, any client."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from botocore.parsers import create_parser
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from moto.iam.models import get_account_id_from
from werkzeug.exceptions import NotFound

_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/")
# Where the name in a signature is not the name of botocore's model.
_MODELS = {
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "email": "ses",
    "tagging": "resourcegroupstaggingapi",
}


class Received(Request):
    """A request that came by WSGI, as moto wants to know."""

    from_wsgi_server = True


@dataclass(frozen=True)
class Call:
    """One API request, as far as it can be understood before anybody answers it."""

    service: str
    account: str  # whose principal it is that calls
    region: str
    access_key: str
    operation: OperationModel
    protocol: str
    request: Request
    uri: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.operation.name)

    def parameters(self) -> dict[str, Any]:
        """The request's parameters, typed as botocore's model has them."""
        parser = PROTOCOL_PARSERS[self.protocol](self.operation)
        parsed = parser.parse(
            {
                "method": self.request.method,
                "values": self.request.values,
                "headers": self.request.headers,
                "body": self.request.data,
                "url_path": self.request.path,
                "url_params": dict(self.uri),
            }
        )
        return parsed or {}


@dataclass(frozen=True)
class Answer:
    """What the service replied."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def parsed(self, call: Call) -> dict[str, Any]:
        response = {"status_code": self.status, "headers": dict(self.headers), "body": self.body}
        shape: Any = call.operation.output_shape  # None of operations that answer nothing, which the parser takes
        return cast("dict[str, Any]", create_parser(call.protocol).parse(response, shape))

    def error(self, call: Call) -> tuple[str, str] | None:
        """The error's code and message; None of a successful answer."""
        if self.status < 300:
            return None
        error = self.parsed(call).get("Error", {})
        return str(error.get("Code") or self.status), str(error.get("Message") or "")


def written(call: Call, result: Any) -> Answer:
    """The answer to a call: what its operation returns, or one of moto's errors."""
    serializer = get_serializer_class(call.service, call.protocol)
    response = serializer(operation_model=call.operation).serialize(result)
    body = response["body"]
    return Answer(response["status_code"], response["headers"], body if isinstance(body, bytes) else body.encode())


def read(environ: Mapping[str, Any], body: bytes) -> Call | None:
    """The call that a WSGI request makes; None where it is no signed AWS request or names no known operation."""
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if scope is None:
        return None
    request = Received({**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
    service = _service(scope["service"].lower(), request.path)
    try:
        operation, uri = get_service_router(service).match(request)
        protocol = determine_request_protocol(get_service_model(service), request.content_type)
    except (NotFound, NotImplementedError, ValueError):
        return None  # moto serves helpers of its own, and services that botocore has no model of
    account = get_account_id_from(scope["key"])
    return Call(service, account, scope["region"], scope["key"], operation, protocol, request, uri)


def _service(signing_name: str, path: str) -> str:
    if signing_name == "s3" and path.startswith("/v20180820/"):
        return "s3control"
    return _MODELS.get(signing_name, signing_name)
