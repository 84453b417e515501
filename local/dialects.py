"""How CloudTrail writes a call's parameters down: one way for most services, two for EC2, two for S3."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

from botocore.model import ListShape, Shape, StructureShape

from local import names
from local.wire import Answer, Call

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})")
_SECRETS = ("password", "secretAccessKey", "sessionToken")
_RECORDED_HEADERS = ("x-amz-acl", "x-amz-bucket-", "x-amz-grant-", "x-amz-object-ownership")


def request_parameters(call: Call) -> dict[str, Any] | None:
    if call.service == "s3":
        return _s3_request(call)
    if call.service == "s3control":
        whole = call.parameters()
        return {"Host": f"{whole.pop('AccountId')}.s3-control.{call.region}.amazonaws.com", **whole}
    if call.service != "ec2":
        return _lower_camel(call.parameters()) or None
    if names.is_wrapped(call.name):
        return {f"{call.name}Request": _tree(call.request.values.items())}
    return _ec2_flat_request(call)


def response_elements(call: Call, answer: Answer, request_id: str) -> dict[str, Any] | None:
    """What the call changed or made; null of calls that answer nothing, and of all of S3's."""
    if call.service == "s3" or not answer.body:
        return None
    if call.service == "ec2":
        return _ec2_response(call, answer, request_id)
    parsed = answer.parsed(call)
    parsed.pop("ResponseMetadata", None)
    return _lower_camel(parsed) or None


def _lower_camel(value: Any) -> Any:
    """{"KmsKeyId": …} → {"kmsKeyId": …}; secrets, bytes and environments stay out, as in AWS."""
    if isinstance(value, Mapping):
        shown = {_lower_first(name): item for name, item in value.items() if not isinstance(item, bytes)}
        return {
            name: {} if name == "environment" else _lower_camel(item)
            for name, item in shown.items()
            if name not in _SECRETS
        }
    if isinstance(value, list):
        return [_lower_camel(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


# EC2, the wrapped dialect: an XML-like tree of the wire's own names; of a list, each item carries its number as "tag".


def _tree(pairs: Iterable[tuple[str, str]]) -> Any:
    root: dict[str, Any] = {}
    for path, value in pairs:
        if path not in ("Action", "Version"):
            _plant(root, path.split("."), value)
    return _prune(root) if root else ""


def _plant(node: dict[str, Any], path: list[str], value: str) -> None:
    for step in path[:-1]:
        node = node.setdefault(step, {})
    node[path[-1]] = _scalar(value)


def _prune(node: Any) -> Any:
    """Turns {"1": a, "2": b} into tagged items; one item stands alone, several are a list."""
    if not isinstance(node, dict):
        return node
    if not all(step.isdigit() for step in node):
        return {name: _prune(child) for name, child in node.items()}
    items = []
    for number in sorted(node, key=int):
        item = _prune(node[number])
        items.append({"tag": int(number), **(item if isinstance(item, dict) else {"content": item})})
    return items[0] if len(items) == 1 else items


# EC2, the flat dialect: lists become {"items": […]}.


def _ec2_flat_request(call: Call) -> dict[str, Any] | None:
    shape = call.operation.input_shape
    members = shape.members if isinstance(shape, StructureShape) else {}
    written: dict[str, Any] = {}
    for name, value in call.parameters().items():
        wire = _wire(name, members[name])
        if isinstance(value, list):
            written[f"{wire}Set"] = {"items": [_listed(wire, item) for item in value]}
        else:
            written[wire] = _lower_camel(value)
    return written or None


def _listed(name: str, item: Any) -> Any:
    return _lower_camel(item) if isinstance(item, dict) else {name: item}


def _ec2_response(call: Call, answer: Answer, request_id: str) -> dict[str, Any]:
    shape = call.operation.output_shape
    members = shape.members if isinstance(shape, StructureShape) else {}
    if names.is_wrapped(call.name):
        empty = {_wire(name, member): "" for name, member in members.items() if isinstance(member, ListShape)}
        document = _document(_parsed(answer.body))
        return {f"{call.name}Response": {**empty, **document, "requestId": request_id}}
    written = _flat(answer.parsed(call), shape) if shape else {"_return": True}
    return {"requestId": request_id, **written}


def _flat(value: Any, shape: Shape) -> Any:
    if isinstance(shape, StructureShape):
        members = shape.members
        return {
            _wire(name, members[name]): _flat(item, members[name]) for name, item in value.items() if name in members
        }
    if isinstance(shape, ListShape):
        return {"items": [_flat(item, shape.member) for item in value]} if value else {}
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value


# S3: the bucket, the query's marker, the document, and the headers that mean something.


def _s3_request(call: Call) -> dict[str, Any]:
    request = call.request
    written: dict[str, Any] = {"Host": f"s3.{call.region}.amazonaws.com"}
    if "Bucket" in call.uri:
        written["bucketName"] = call.uri["Bucket"]
    written |= {name: value for name, value in request.args.items() if name != "x-id"}
    written |= {
        name.lower(): value for name, value in request.headers.items() if name.lower().startswith(_RECORDED_HEADERS)
    }
    body = request.data.strip()
    if body.startswith(b"<"):
        root = _parsed(body)
        written[_tag(root)] = _document(root)
    elif body.startswith(b"{"):
        written["bucketPolicy"] = json.loads(body)
    return written


def _parsed(document: bytes) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314 (the user's own calls, and moto's answers)


def _document(root: ET.Element) -> dict[str, Any]:
    """An XML document as JSON, with its namespace."""
    namespace = re.match(r"\{(.*)\}", root.tag)
    content = _element(root)
    return ({"xmlns": f"{namespace[1].rstrip('/')}/"} if namespace else {}) | (
        content if isinstance(content, dict) else {}
    )


def _element(element: ET.Element) -> Any:
    """Children that repeat are a list; an empty element is an empty string."""
    if not len(element):
        return _scalar((element.text or "").strip())
    written: dict[str, Any] = {}
    for child in element:
        name, value = _tag(child), _element(child)
        if name not in written:
            written[name] = value
        elif isinstance(written[name], list):
            written[name].append(value)
        else:
            written[name] = [written[name], value]
    return written


def _wire(name: str, shape: Shape) -> str:
    written = _lower_first(shape.serialization.get("name", name))
    return "_return" if written == "return" else written


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _scalar(text: str) -> str | int | bool:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if _NUMBER.fullmatch(text) else text


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]
