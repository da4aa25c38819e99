#!/bin/sh
# ali-oss 6.23.0 (npm), authorizationV4: a query that is undefined, as the marker of a
# first page easily is, is sent as "marker=" and left out of what is signed. The request
# is not the signed one, so OSS refuses it with SignatureDoesNotMatch, which reads like a
# wrong secret. Without the key, or with "", both are the same. listV2 drops what is
# undefined by itself.
#
# Seen on 2026-11-29, and compared with what is seen now:
#	list marker undefined: sent ?max-keys=100&marker=, signed ?max-keys=100
#	list marker null: sent ?max-keys=100&marker=, signed ?marker&max-keys=100
#	list marker "": sent ?max-keys=100&marker=, signed ?marker=&max-keys=100
#	list without marker: sent ?max-keys=100, signed ?max-keys=100
#	listV2 continuation-token undefined: sent ?list-type=2&max-keys=100, signed ?list-type=2&max-keys=100
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" ali-oss@6.23.0 >&2 || exit 2

cat > try.mjs <<'END'
import crypto from 'node:crypto'
import http from 'node:http'
import OSS from 'ali-oss'

const hmac = (key, text, encoding) => crypto.createHmac('sha256', key).update(text).digest(encoding)

/** signature is that of OSS4-HMAC-SHA256 for a GET of the bucket with this canonical query. */
function signature(query, headers) {
  const time = headers['x-oss-date']
  const day = time.slice(0, 8)
  const request = ['GET', '/bucket/', query, 'x-oss-content-sha256:UNSIGNED-PAYLOAD', `x-oss-date:${time}`, '', '', 'UNSIGNED-PAYLOAD'].join('\n')
  const hash = crypto.createHash('sha256').update(request).digest('hex')
  const text = ['OSS4-HMAC-SHA256', time, `${day}/cn-hangzhou/oss/aliyun_v4_request`, hash].join('\n')
  const key = [day, 'cn-hangzhou', 'oss', 'aliyun_v4_request'].reduce((key, part) => hmac(key, part), 'aliyun_v4secret')
  return hmac(key, text, 'hex')
}

let seen
const server = http.createServer(({ url, headers }, answer) => {
  const covers = ['max-keys=100', 'marker&max-keys=100', 'marker=&max-keys=100', 'list-type=2&max-keys=100', 'continuation-token=&list-type=2&max-keys=100']
  const signed = covers.find((query) => headers.authorization.endsWith(`Signature=${signature(query, headers)}`))
  seen = `sent ${url.slice(url.indexOf('?'))}, signed ?${signed}`
  answer.setHeader('content-type', 'application/xml')
  answer.end('<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated></ListBucketResult>')
})
await new Promise((done) => server.listen(0, '127.0.0.1', done))
const client = new OSS({
  accessKeyId: 'id', accessKeySecret: 'secret', bucket: 'bucket', region: 'oss-cn-hangzhou', authorizationV4: true,
  endpoint: `http://localhost:${server.address().port}`, sldEnable: true,
})
for (const [name, ask] of Object.entries({
  'list marker undefined': () => client.list({ 'max-keys': 100, marker: undefined }),
  'list marker null': () => client.list({ 'max-keys': 100, marker: null }),
  'list marker ""': () => client.list({ 'max-keys': 100, marker: '' }),
  'list without marker': () => client.list({ 'max-keys': 100 }),
  'listV2 continuation-token undefined': () => client.listV2({ 'max-keys': 100, 'continuation-token': undefined }),
})) {
  await ask()
  console.log(`${name}: ${seen}`)
}
server.close()
server.closeAllConnections()
END
now=$(node try.mjs) || exit 2

cd "$OLDPWD"
before=$(sed -n 's/^#	//p' "$0")
echo "ali-oss 6.23.0:"
printf '%s\n' "$now"
if test "$now" != "$before"; then
	echo "No longer so. On 2026-11-29 it was:"
	printf '%s\n' "$before"
	exit 1
fi
echo "Still so."
