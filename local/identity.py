"""Who made a call: CloudTrail's userIdentity, from the access key that signed it."""

from typing import Any

from moto.backends import get_backend
from moto.iam.models import AccessKey, IAMBackend, User
from moto.sts.models import AssumedRole, STSBackend
from moto.utilities.utils import get_partition

from local.wire import Call


def assumed_role(call: Call) -> AssumedRole | None:
    """The session that made a call; None of anybody else's."""
    sts: STSBackend = get_backend("sts")[call.account][get_partition(call.region)]
    return sts.get_assumed_role_from_access_key(call.access_key)


def user_identity(call: Call) -> dict[str, Any]:
    """An IAM user's, an assumed role's, or root's: a key that nobody made is moto's first account's own."""
    session = assumed_role(call)
    if session is not None:
        return _session(session)
    partition = get_partition(call.region)
    iam: IAMBackend = get_backend("iam")[call.account][partition]
    key: AccessKey | None = iam.access_keys.get(call.access_key)
    user: User | None = iam.users.get(key.user_name) if key and key.user_name else None
    if user is not None:
        return {
            "type": "IAMUser",
            "principalId": f"AIDA{user.id[4:].upper()}",  # moto's ids have no such form
            "arn": user.arn,
            "accountId": call.account,
            "accessKeyId": call.access_key,
            "userName": user.name,
        }
    return {
        "type": "Root",
        "principalId": call.account,
        "arn": f"arn:{partition}:iam::{call.account}:root",
        "accountId": call.account,
        "accessKeyId": call.access_key,
    }


def _session(session: AssumedRole) -> dict[str, Any]:
    name = session.role_arn.rpartition("/")[2]
    created = session.access_key.create_date
    return {
        "type": "AssumedRole",
        "principalId": session.user_id,
        "arn": session.arn,
        "accountId": session.account_id,
        "accessKeyId": session.access_key_id,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": session.user_id.partition(":")[0],
                "arn": session.role_arn,
                "accountId": session.account_id,
                "userName": name,
            },
            "attributes": {"creationDate": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "mfaAuthenticated": "false"},
        },
    }
