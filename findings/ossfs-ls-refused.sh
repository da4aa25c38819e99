#!/bin/sh
# ossfs 2025.5.0 (PyPI), on oss2 2.18.4: ls of a bucket that OSS refuses to list is an
# empty list, without error, where oss2 below raises. OSS refuses so a user without
# oss:ListObjects, and a signature V1 ("OSS id:…", what ossfs makes of a key) where it
# takes V4 alone: "there are no backups" and "you may not look" are the same answer.
#
# Seen on 2026-11-29, and compared with what is seen now:
#	ossfs signs as: OSS
#	ossfs ls: []
#	ossfs du: 0
#	oss2 list_objects: AccessDenied, 403
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
cd "$folder"
{ python3 -m venv venv && venv/bin/python -m pip install -q --disable-pip-version-check ossfs==2025.5.0 oss2==2.18.4; } >&2 || exit 2

cat > try.py <<'END'
import http.server, threading
import oss2, ossfs

signed = []

class Refuses(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        signed.append(self.headers["Authorization"].split()[0])
        body = b"<Error><Code>AccessDenied</Code><Message>You have no right to access this object.</Message></Error>"
        self.send_response(403)
        self.send_header("x-oss-request-id", "5C3D9175B6FC201293AD0000")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
threading.Thread(target=server.serve_forever, daemon=True).start()
endpoint = f"http://127.0.0.1:{server.server_port}"

files = ossfs.OSSFileSystem(endpoint=endpoint, key="id", secret="secret")
listed = files.ls("bucket/backups/")
print("ossfs signs as:", *set(signed))
print("ossfs ls:", listed)
print("ossfs du:", files.du("bucket/backups/"))
try:
    print("oss2 list_objects:", oss2.Bucket(oss2.Auth("id", "secret"), endpoint, "bucket").list_objects().object_list)
except oss2.exceptions.OssError as error:
    print(f"oss2 list_objects: {error.code}, {error.status}")
END
now=$(venv/bin/python try.py) || exit 2

cd "$OLDPWD"
before=$(sed -n 's/^#	//p' "$0")
echo "ossfs 2025.5.0:"
printf '%s\n' "$now"
if test "$now" != "$before"; then
	echo "No longer so. On 2026-11-29 it was:"
	printf '%s\n' "$before"
	exit 1
fi
echo "Still so."
