"""Reads the bucket with oss2, the vendor's first library for Python."""

import hashlib
import json

from names import PREFIX, TOLD, WRONG_REGION

import oss2


def bucket(name=TOLD["OSS_BUCKET"], secret=TOLD["KEY_SECRET"], region=TOLD["OSS_REGION"]):
    auth = oss2.ProviderAuthV4(oss2.credentials.StaticCredentialsProvider(TOLD["KEY_ID"], secret))
    return oss2.Bucket(auth, TOLD["OSS_ENDPOINT"], name, region=region)


def refused(ask):
    try:
        ask()
    except oss2.exceptions.OssError as error:
        return "not modified" if error.status == 304 else f"{error.code} {error.details.get('EC', '')}".strip()
    return "answered"


def main():
    ours, key = bucket(), PREFIX + "latest.json"
    head = ours.head_object(key)
    meta = ours.get_object_meta(key)
    print(json.dumps({
        "version": oss2.__version__,
        "list": {o.key: [o.size, o.etag] for o in oss2.ObjectIteratorV2(ours, PREFIX, max_keys=1000)},
        "list_v1": {o.key: [o.size, o.etag] for o in oss2.ObjectIterator(ours, PREFIX, max_keys=1000)},
        "folders": [o.key for o in oss2.ObjectIteratorV2(ours, PREFIX, delimiter="/") if o.is_prefix()],
        "owner": ours.list_objects_v2(PREFIX, max_keys=1, fetch_owner=True).object_list[0].owner.id,
        "get": hashlib.sha256(ours.get_object(key).read()).hexdigest(),
        "range": ours.get_object(key, byte_range=(2, 9)).read().decode(),
        "head": [head.content_length, head.etag],
        "meta": [meta.content_length, meta.etag],
        "acl": ours.get_bucket_acl().acl,
        "location": ours.get_bucket_location().location,
        "exists": [ours.object_exists(key), ours.object_exists(key + "x")],
        "address": ours.sign_url("GET", key, 60, slash_safe=True),
        "unchanged": refused(lambda: ours.get_object(key, headers={"If-None-Match": head.headers["ETag"]})),
        "unmodified": refused(lambda: ours.get_object(key, headers={"If-Modified-Since": head.headers["Last-Modified"]})),
        "changed": refused(lambda: ours.get_object(key, headers={"If-Match": '"X"'})),
        "missing": refused(lambda: ours.get_object(key + "x")),
        "no_bucket": refused(lambda: bucket("nobodys-bucket").get_bucket_acl()),
        "wrong_secret": refused(lambda: bucket(secret="wrong").get_object(key)),
        "wrong_region": refused(lambda: bucket(region=WRONG_REGION).get_object(key)),
    }))


main()
