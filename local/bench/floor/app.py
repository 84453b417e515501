"""The least that repairs: one client and the one call that the environment names, whatever the event says."""

import json
import os
from typing import Any

import boto3

new: Any = boto3.client  # whose type lists every service there is
client = new(os.environ["FLOOR_SERVICE"])


def handler(_event: Any, _context: Any) -> None:
    getattr(client, os.environ["FLOOR_METHOD"])(**json.loads(os.environ["FLOOR_PARAMETERS"]))
