"""One account in one Region, for whoever makes clients there: the account's own hands, and its users."""

from typing import Any

import boto3
from botocore.config import Config

Key = tuple[str, str]
_AGENT = "aws-cli/2.31.0 md/Botocore#2.31.0 ua/2.1 os/linux md/arch#x86_64"  # of an actor on a machine of their own


class Session:
    """Somebody's credentials: makes clients of the local AWS, as a boto3 session does of the real one."""

    def __init__(self, url: str, region: str, key: Key, address: str | None = None) -> None:
        session = boto3.Session(*key, region_name=region)
        if address is not None:
            session.events.register("before-send.*", lambda request, **_: _come_from(request, address))
        self._new: Any = session.client  # whose type lists every service there is
        self._url = url
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            config = Config(proxies={}, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
            self._clients[service] = self._new(service, endpoint_url=self._url, config=config)
        return self._clients[service]


def _come_from(request: Any, address: str) -> None:
    request.headers.update({"User-Agent": _AGENT, "X-Forwarded-For": address})


class Place:
    """An account and a Region of the local AWS at `url`; `key` is that of the account's own hands."""

    def __init__(self, url: str, account: str, region: str, key: Key) -> None:
        self.url, self.account, self.region = url, account, region
        self._session = Session(url, region, key)
        self._actors: dict[tuple[str, str | None], Session] = {}

    def client(self, service: str) -> Any:
        """A client with the account's own hands, for setting things up and looking at them."""
        return self._session.client(service)

    def actor(self, name: str, address: str | None = None) -> Session:
        """A session of an IAM user with that name, who is made if need be."""
        if (name, address) not in self._actors:
            self._actors[name, address] = Session(self.url, self.region, self.access_key(name), address)
        return self._actors[name, address]

    def access_key(self, name: str) -> Key:
        iam = self.client("iam")
        if not any(user["UserName"] == name for user in iam.list_users()["Users"]):
            iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]
