"""Who made a call: CloudTrail's userIdentity, from the access key that signed it."""

from typing import Any

from moto.backends import get_backend
from moto.iam.models import AccessKey, IAMBackend, User
from moto.sts.models import AssumedRole, STSBackend
from moto.utilities.utils import get_partition

from local.settings import ACCOUNT


def assumed_role(access_key: str, region: str) -> AssumedRole | None:
    sts: STSBackend = get_backend("sts")[ACCOUNT][get_partition(region)]
    return sts.get_assumed_role_from_access_key(access_key)


def user_identity(access_key: str, region: str) -> dict[str, Any]:
    """An IAM user's, an assumed role's, or root's: a key that nobody made is the account's own, as moto has it."""
    iam: IAMBackend = get_backend("iam")[ACCOUNT][get_partition(region)]
    session = assumed_role(access_key, region)
    if session is not None:
        return _session(session)
    key: AccessKey | None = iam.access_keys.get(access_key)
    user: User | None = iam.users.get(key.user_name) if key and key.user_name else None
    if user is not None:
        return {
            "type": "IAMUser",
            "principalId": f"AIDA{user.id[4:].upper()}",  # moto's ids have no such form
            "arn": user.arn,
            "accountId": ACCOUNT,
            "accessKeyId": access_key,
            "userName": user.name,
        }
    arn = f"arn:{get_partition(region)}:iam::{ACCOUNT}:root"
    return {"type": "Root", "principalId": ACCOUNT, "arn": arn, "accountId": ACCOUNT, "accessKeyId": access_key}


def _session(session: AssumedRole) -> dict[str, Any]:
    name = session.role_arn.rpartition("/")[2]
    created = session.access_key.create_date
    return {
        "type": "AssumedRole",
        "principalId": session.user_id,
        "arn": session.arn,
        "accountId": ACCOUNT,
        "accessKeyId": session.access_key_id,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": session.user_id.partition(":")[0],
                "arn": session.role_arn,
                "accountId": ACCOUNT,
                "userName": name,
            },
            "attributes": {"creationDate": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "mfaAuthenticated": "false"},
        },
    }
