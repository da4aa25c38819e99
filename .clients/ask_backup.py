"""Asks Cloud Backup what it protects with alibabacloud-hbr20170908, the vendor's library."""

import importlib.metadata
import json

from names import TOLD

from alibabacloud_hbr20170908.client import Client
from alibabacloud_hbr20170908.models import GetBasicStatisticsRequest
from alibabacloud_tea_openapi.models import Config
from Tea.exceptions import TeaException


def ask(source_type="ECS_FILE", secret=TOLD["KEY_SECRET"]):
    scheme, endpoint = TOLD["CLOUD_BACKUP_ENDPOINT"].split("://")
    client = Client(Config(access_key_id=TOLD["KEY_ID"], access_key_secret=secret, endpoint=endpoint, protocol=scheme))
    return client.get_basic_statistics(GetBasicStatisticsRequest(source_type=source_type)).body


def refused(**how):
    try:
        ask(**how)
    except TeaException as error:
        return error.code
    return "answered"


def main():
    body = ask()
    print(json.dumps({
        "version": importlib.metadata.version("alibabacloud-hbr20170908"),
        "answer": body.to_map(),
        "wrong_secret": refused(secret="wrong"),
        "wrong_type": refused(source_type="ecs"),
    }))


main()
