"""Reads the bucket with alibabacloud-oss-v2, the vendor's second library for Python."""

import datetime
import hashlib
import json

from names import PREFIX, TOLD, WRONG_REGION

import alibabacloud_oss_v2 as oss

BUCKET = TOLD["OSS_BUCKET"]


def client(secret=TOLD["KEY_SECRET"], region=TOLD["OSS_REGION"]):
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(TOLD["KEY_ID"], secret)
    config.region, config.endpoint = region, TOLD["OSS_ENDPOINT"]
    return oss.Client(config)


def refused(ask):
    try:
        ask()
    except oss.exceptions.OperationError as error:
        error = error.unwrap()
        return "not modified" if error.status_code == 304 else f"{error.code} {error.ec}".strip()
    return "answered"


def objects(pages):
    return {o.key: [o.size, o.etag.strip('"')] for page in pages for o in page.contents or []}


def main():
    ours, key = client(), PREFIX + "latest.json"

    def get(key=key, ours=ours, **more):
        with ours.get_object(oss.GetObjectRequest(bucket=BUCKET, key=key, **more)).body as body:
            return body.read()

    head = ours.head_object(oss.HeadObjectRequest(bucket=BUCKET, key=key))
    meta = ours.get_object_meta(oss.GetObjectMetaRequest(bucket=BUCKET, key=key))
    second, first = ours.list_objects_v2_paginator(limit=1000), ours.list_objects_paginator(limit=1000)
    folders = ours.list_objects_v2(oss.ListObjectsV2Request(bucket=BUCKET, prefix=PREFIX, delimiter="/"))
    owned = ours.list_objects_v2(oss.ListObjectsV2Request(bucket=BUCKET, prefix=PREFIX, max_keys=1, fetch_owner=True))
    print(json.dumps({
        "version": oss.__version__,
        "list": objects(second.iter_page(oss.ListObjectsV2Request(bucket=BUCKET, prefix=PREFIX))),
        "list_v1": objects(first.iter_page(oss.ListObjectsRequest(bucket=BUCKET, prefix=PREFIX))),
        "folders": [p.prefix for p in folders.common_prefixes],
        "owner": owned.contents[0].owner.id,
        "get": hashlib.sha256(get()).hexdigest(),
        "range": get(range_header="bytes=2-9").decode(),
        "head": [head.content_length, head.etag.strip('"')],
        "meta": [meta.content_length, meta.etag.strip('"')],
        "acl": ours.get_bucket_acl(oss.GetBucketAclRequest(bucket=BUCKET)).acl,
        "location": ours.get_bucket_location(oss.GetBucketLocationRequest(bucket=BUCKET)).location,
        "exists": [ours.is_object_exist(BUCKET, key), ours.is_object_exist(BUCKET, key + "x")],
        "bucket_exists": [ours.is_bucket_exist(BUCKET), ours.is_bucket_exist("nobodys-bucket")],
        "address": ours.presign(oss.GetObjectRequest(bucket=BUCKET, key=key), expires=datetime.timedelta(minutes=1)).url,
        "unchanged": refused(lambda: get(if_none_match=head.etag)),
        "unmodified": refused(lambda: get(if_modified_since=head.headers["Last-Modified"])),
        "changed": refused(lambda: get(if_match='"X"')),
        "missing": refused(lambda: get(key + "x")),
        "no_bucket": refused(lambda: ours.get_bucket_acl(oss.GetBucketAclRequest(bucket="nobodys-bucket"))),
        "wrong_secret": refused(lambda: get(ours=client(secret="wrong"))),
        "wrong_region": refused(lambda: get(ours=client(region=WRONG_REGION))),
    }))


main()
