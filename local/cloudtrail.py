"""CloudTrail's record of a call, and the EventBridge event that carries it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.backends import get_backend
from moto.utilities.utils import get_partition

from local import dialects, names
from local.identity import user_identity
from local.wire import Answer, Call

# Denied calls are recorded without what they asked for.
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


@dataclass(frozen=True)
class Client:
    """The machine that a call came from."""

    address: str
    agent: str


def is_recorded(call: Call) -> bool:
    """Only what changes something becomes an event: no reads, and no data events."""
    return not names.is_read(call.name) and not names.is_data(call.service, call.name, has_key="Key" in call.uri)


def record(call: Call, answer: Answer, client: Client, moment: datetime) -> dict[str, Any]:
    """The record, shaped as captured ones are."""
    region = _region(call)
    error = answer.error(call)
    service = call.operation.service_model.endpoint_prefix
    request_id = str(uuid4())
    denied = error is not None and error[0] in _DENIED
    written: dict[str, Any] = {
        "eventVersion": "1.09" if call.service in ("ec2", "s3") else "1.10",
        "userIdentity": user_identity(call),
        "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": names.event_source(service),
        "eventName": names.event_name(call.service, call.name),
        "awsRegion": region,
        "sourceIPAddress": client.address,
        "userAgent": f"[{client.agent}]" if call.service == "s3" else client.agent,
        "requestParameters": None if denied else dialects.request_parameters(call),
        "responseElements": None if error else dialects.response_elements(call, answer, request_id),
        "requestID": request_id,
        "eventID": str(uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": call.account,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{service}.{region}.amazonaws.com",
        },
    }
    if call.service == "s3":
        written["additionalEventData"] = {
            "AuthenticationMethod": "AuthHeader",
            "SignatureVersion": "SigV4",
            "bytesTransferredIn": len(call.request.data),
            "bytesTransferredOut": len(answer.body),
        }
    if error:
        code, message = error
        written |= {"errorCode": f"Client.{code}" if call.service == "ec2" else code, "errorMessage": message}
    return written


def event(detail: dict[str, Any]) -> dict[str, Any]:
    """What EventBridge makes of a record."""
    what = "Network Activity Event" if detail["eventCategory"] == "NetworkActivity" else "API Call"
    source = f"aws.{detail['eventSource'].partition('.')[0]}"
    where = detail["recipientAccountId"], detail["awsRegion"]
    return envelope(source, f"AWS {what} via CloudTrail", *where, detail)


def envelope(source: str, detail_type: str, account: str, region: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": detail.get("eventTime") or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [],
        "detail": detail,
    }


def _region(call: Call) -> str:
    """Where the call is recorded: S3's where the bucket is, all others' where they were sent."""
    if call.service == "s3":
        bucket = get_backend("s3")[call.account][get_partition(call.region)].buckets.get(call.uri.get("Bucket", ""))
        return str(bucket.region_name) if bucket else call.region
    return call.region
