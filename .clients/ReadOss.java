// Reads the bucket with aliyun-sdk-oss, the vendor's library for Java.

import com.aliyun.oss.ClientBuilderConfiguration;
import com.aliyun.oss.OSS;
import com.aliyun.oss.OSSClientBuilder;
import com.aliyun.oss.OSSException;
import com.aliyun.oss.common.auth.DefaultCredentialProvider;
import com.aliyun.oss.common.comm.SignVersion;
import com.aliyun.oss.common.utils.VersionInfoUtils;
import com.aliyun.oss.model.GetObjectRequest;
import com.aliyun.oss.model.ListObjectsRequest;
import com.aliyun.oss.model.ListObjectsV2Request;
import com.aliyun.oss.model.ListObjectsV2Result;
import com.aliyun.oss.model.OSSObjectSummary;
import com.aliyun.oss.model.ObjectListing;
import com.google.gson.Gson;
import java.security.MessageDigest;
import java.util.Date;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

public class ReadOss {
    static final Gson JSON = new Gson();

    @SuppressWarnings("unchecked")
    static final Map<String, String> TOLD = JSON.fromJson(System.getenv("TOLD"), Map.class);

    static final String PREFIX = "backup-statistics/", KEY = PREFIX + "latest.json", BUCKET = TOLD.get("OSS_BUCKET");

    static OSS client(String secret, String region) {
        var configuration = new ClientBuilderConfiguration();
        configuration.setSignatureVersion(SignVersion.V4);
        configuration.setSupportCname(false); // else a name that is not the vendor's is taken for the bucket's own
        return OSSClientBuilder.create()
                .endpoint(TOLD.get("OSS_ENDPOINT"))
                .credentialsProvider(new DefaultCredentialProvider(TOLD.get("KEY_ID"), secret))
                .clientConfiguration(configuration)
                .region(region)
                .build();
    }

    static String refused(Callable<Object> ask) throws Exception {
        try {
            return ask.call() == null ? "not modified" : "answered";
        } catch (OSSException e) {
            if (e.getErrorCode().equals("NotModified")) {
                return "not modified";
            }
            return String.join(" ", e.getErrorCode(), e.getEC() == null ? "" : e.getEC()).strip();
        }
    }

    static byte[] get(OSS oss, GetObjectRequest request) throws Exception {
        var object = oss.getObject(request);
        if (object == null) {
            return null; // the conditions do not hold
        }
        try (var content = object.getObjectContent()) {
            return content.readAllBytes();
        }
    }

    static List<Object> described(OSSObjectSummary o) {
        return List.of(o.getSize(), o.getETag());
    }

    public static void main(String[] args) throws Exception {
        var ours = client(TOLD.get("KEY_SECRET"), TOLD.get("OSS_REGION"));
        var answers = new LinkedHashMap<String, Object>();
        answers.put("version", VersionInfoUtils.getVersion());

        var second = new LinkedHashMap<String, Object>();
        var request = new ListObjectsV2Request(BUCKET, PREFIX).withMaxKeys(1000);
        ListObjectsV2Result page;
        do {
            page = ours.listObjectsV2(request);
            page.getObjectSummaries().forEach(o -> second.put(o.getKey(), described(o)));
            request.setContinuationToken(page.getNextContinuationToken());
        } while (page.isTruncated());
        answers.put("list", second);

        var first = new LinkedHashMap<String, Object>();
        var old = new ListObjectsRequest(BUCKET).withPrefix(PREFIX).withMaxKeys(1000);
        ObjectListing listing;
        do {
            listing = ours.listObjects(old);
            listing.getObjectSummaries().forEach(o -> first.put(o.getKey(), described(o)));
            old.setMarker(listing.getNextMarker());
        } while (listing.isTruncated());
        answers.put("list_v1", first);

        var folders = new ListObjectsV2Request(BUCKET, PREFIX);
        folders.setDelimiter("/");
        answers.put("folders", ours.listObjectsV2(folders).getCommonPrefixes());
        var owned = new ListObjectsV2Request(BUCKET, PREFIX).withMaxKeys(1);
        owned.setFetchOwner(true);
        answers.put("owner", ours.listObjectsV2(owned).getObjectSummaries().get(0).getOwner().getId());

        var digest = MessageDigest.getInstance("SHA-256").digest(get(ours, new GetObjectRequest(BUCKET, KEY)));
        answers.put("get", HexFormat.of().formatHex(digest));
        var part = new GetObjectRequest(BUCKET, KEY);
        part.setRange(2, 9);
        answers.put("range", new String(get(ours, part)));
        var head = ours.getObjectMetadata(BUCKET, KEY);
        answers.put("head", List.of(head.getContentLength(), head.getETag()));
        var meta = ours.getSimplifiedObjectMeta(BUCKET, KEY);
        answers.put("meta", List.of(meta.getSize(), meta.getETag()));
        answers.put("acl", ours.getBucketAcl(BUCKET).getCannedACL().toString());
        answers.put("location", ours.getBucketLocation(BUCKET));
        answers.put("exists", List.of(ours.doesObjectExist(BUCKET, KEY), ours.doesObjectExist(BUCKET, KEY + "x")));
        answers.put("bucket_exists", List.of(ours.doesBucketExist(BUCKET), ours.doesBucketExist("nobodys-bucket")));
        answers.put("address", ours.generatePresignedUrl(BUCKET, KEY, new Date(System.currentTimeMillis() + 60_000)).toString());

        var unchanged = new GetObjectRequest(BUCKET, KEY);
        unchanged.setNonmatchingETagConstraints(List.of(head.getETag()));
        answers.put("unchanged", refused(() -> get(ours, unchanged)));
        var unmodified = new GetObjectRequest(BUCKET, KEY);
        unmodified.setModifiedSinceConstraint(head.getLastModified());
        answers.put("unmodified", refused(() -> get(ours, unmodified)));
        var changed = new GetObjectRequest(BUCKET, KEY);
        changed.setMatchingETagConstraints(List.of("X"));
        answers.put("changed", refused(() -> get(ours, changed)));
        answers.put("missing", refused(() -> get(ours, new GetObjectRequest(BUCKET, KEY + "x"))));
        answers.put("no_bucket", refused(() -> ours.getBucketAcl("nobodys-bucket")));
        var stranger = client("wrong", TOLD.get("OSS_REGION"));
        answers.put("wrong_secret", refused(() -> get(stranger, new GetObjectRequest(BUCKET, KEY))));
        var elsewhere = client(TOLD.get("KEY_SECRET"), "cn-shanghai");
        answers.put("wrong_region", refused(() -> get(elsewhere, new GetObjectRequest(BUCKET, KEY))));

        System.out.println(JSON.toJson(answers));
        ours.shutdown();
        stranger.shutdown();
        elsewhere.shutdown();
    }
}
