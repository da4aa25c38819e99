// Reads the bucket with ali-oss, the vendor's library for Node.
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";

import OSS from "ali-oss";

const told = JSON.parse(process.env.TOLD);
const prefix = "backup-statistics/";
const key = prefix + "latest.json";

// Names below localhost are this machine's, whatever the resolver knows of them.
const agent = new http.Agent({
	lookup: (_, options, done) => (options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4)),
});

function client(changed = {}) {
	return new OSS({
		accessKeyId: told.KEY_ID,
		accessKeySecret: told.KEY_SECRET,
		bucket: told.OSS_BUCKET,
		region: "oss-" + told.OSS_REGION,
		endpoint: told.OSS_ENDPOINT,
		authorizationV4: true,
		agent,
		...changed,
	});
}

async function refused(ask) {
	try {
		const answer = await ask();
		return answer.res.status === 304 ? "not modified" : "answered";
	} catch (error) {
		return error.status === 304 ? "not modified" : `${error.code} ${error.ecCode ?? ""}`.trim();
	}
}

async function list(page, next) {
	const found = {};
	let at;
	do {
		const answer = await page(at);
		for (const o of answer.objects ?? []) found[o.name] = [o.size, o.etag.replaceAll('"', "")];
		at = next(answer);
	} while (at);
	return found;
}

const ours = client();
const bare = (etag) => etag.replaceAll('"', "");
const head = await ours.head(key);
const meta = await ours.getObjectMeta(key);
const whole = await ours.get(key);
const part = await ours.get(key, { headers: { Range: "bytes=2-9" } });
const folders = await ours.listV2({ prefix, delimiter: "/" });
const owned = await ours.listV2({ prefix, "max-keys": 1, "fetch-owner": true });
const acl = await ours.getBucketACL(told.OSS_BUCKET);
const location = await ours.getBucketLocation(told.OSS_BUCKET);

console.log(
	JSON.stringify({
		version: JSON.parse(fs.readFileSync(new URL("node_modules/ali-oss/package.json", import.meta.url))).version,
		list: await list(
			(token) => ours.listV2({ prefix, "max-keys": 1000, "continuation-token": token }),
			(answer) => answer.nextContinuationToken,
		),
		list_v1: await list(
			(marker) => ours.list({ prefix, "max-keys": 1000, ...(marker && { marker }) }),
			(answer) => answer.nextMarker,
		),
		folders: folders.prefixes,
		owner: owned.objects[0].owner.id,
		get: crypto.createHash("sha256").update(whole.content).digest("hex"),
		range: part.content.toString(),
		head: [Number(head.res.headers["content-length"]), bare(head.res.headers.etag)],
		meta: [Number(meta.res.headers["content-length"]), bare(meta.res.headers.etag)],
		acl: acl.acl,
		location: location.location,
		address: await ours.signatureUrlV4("GET", 60, { headers: {}, queries: {} }, key),
		unchanged: await refused(() => ours.head(key, { headers: { "If-None-Match": head.res.headers.etag } })),
		unmodified: await refused(() => ours.head(key, { headers: { "If-Modified-Since": head.res.headers["last-modified"] } })),
		changed: await refused(() => ours.get(key, { headers: { "If-Match": '"X"' } })),
		missing: await refused(() => ours.get(key + "x")),
		no_bucket: await refused(() => ours.getBucketACL("nobodys-bucket")),
		wrong_secret: await refused(() => client({ accessKeySecret: "wrong" }).get(key)),
		wrong_region: await refused(() => client({ region: "oss-cn-shanghai" }).get(key)),
	}),
);
