"""Where the local AWS is: the one place in this package that names a Region or an account."""

import os
from pathlib import Path
from typing import Final

from moto.utilities.utils import get_partition

PROJECT: Final = Path(__file__).resolve().parent.parent
FIRST_REGION: Final = "us-east-1"  # the one whose name S3 does not take as a bucket's location
REGION: Final = os.environ.get("RELIGHT_LOCAL_REGION", FIRST_REGION)
PARTITION: Final = get_partition(REGION)
ACCOUNT: Final = "123456789012"  # the account that moto itself starts with
# An account of the same organisation, and where it works.
MEMBER: Final = "210987654321"
MEMBER_REGION: Final = "eu-west-1"
LOOPBACK: Final = "127.0.0.1"
STACK: Final = "relight"
# Characters of its name. CloudFormation names the stack's parts STACK-LOGICALID-SUFFIX, and shortens what AWS would not
# take; but roles, the guard and the service control policy know the parts by how they begin.
LONGEST_STACK: Final = 20
ALERT_EMAIL: Final = "security@example.com"
