"""Tries what signs with V1, which OSS refuses, and tells what its user sees of that."""

import importlib.metadata
import json
import os
from urllib.parse import urlsplit

from names import PREFIX, TOLD


def opendal():
    # It resolves names by itself: the service answers as the proxy that it is reached by.
    os.environ["HTTP_PROXY"] = f"http://127.0.0.1:{urlsplit(TOLD['OSS_ENDPOINT']).port}"
    import opendal

    operator = opendal.Operator(
        "oss", bucket=TOLD["OSS_BUCKET"], endpoint=TOLD["OSS_ENDPOINT"], region=TOLD["OSS_REGION"],
        access_key_id=TOLD["KEY_ID"], access_key_secret=TOLD["KEY_SECRET"],
    )
    try:
        return f"{len(list(operator.list(PREFIX)))} entries"
    except Exception as error:  # each kind is one of its own
        return str(error)


def ossfs():
    import ossfs

    files = ossfs.OSSFileSystem(endpoint=TOLD["OSS_ENDPOINT"], key=TOLD["KEY_ID"], secret=TOLD["KEY_SECRET"])
    try:
        return f"{len(files.ls(TOLD['OSS_BUCKET'] + '/' + PREFIX))} entries"
    except Exception as error:  # of whatever library it stands on
        return str(error)


print(json.dumps({f.__name__: [importlib.metadata.version(f.__name__), f()] for f in (opendal, ossfs)}))
