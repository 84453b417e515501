"""Writes Cloud Custodian's Lambda archives, as it would upload them. Runs in Cloud Custodian's environment.

``python archives.py policies.json FOLDER`` makes FOLDER/NAME.zip of each policy.
"""

import json
import shutil
import sys
from pathlib import Path

from c7n.config import Config
from c7n.mu import PolicyLambda
from c7n.policy import PolicyCollection
from c7n.resources import load_resources
from c7n.structure import StructureParser


def main(policies: Path, folder: Path) -> None:
    data = json.loads(policies.read_text())
    load_resources(StructureParser().get_resource_types(data))
    for policy in PolicyCollection.from_data(data, Config.empty(region="us-east-1", account_id="123456789012")):
        policy.validate()
        archive = PolicyLambda(policy).get_archive()  # it deletes its file when nobody holds it
        shutil.copy(archive.path, folder / f"{policy.name}.zip")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
