#!/bin/sh
# aliyun-sdk-oss 3.18.4 (Maven, com.aliyun.oss): the two ways to make a client take an
# endpoint that is not of the vendor's domains differently. OSSClientBuilder with a ClientBuilderConfiguration puts the bucket into
# the host. OSSClient with a ClientConfiguration, the parent of that class, takes the
# endpoint for the bucket's own name (a CNAME): the bucket stands neither in host nor
# path, and requests to two buckets are the same. setSupportCname(false) ends that.
#
# Seen on 2026-11-29, and compared with what is seen now:
#	ClientBuilderConfiguration, bucket-a: GET /latest.json, Host bucket-a.oss.example.test
#	ClientConfiguration, bucket-a: GET /latest.json, Host oss.example.test
#	ClientConfiguration, bucket-b: GET /latest.json, Host oss.example.test
#	ClientConfiguration, setSupportCname(false), bucket-b: GET /latest.json, Host bucket-b.oss.example.test
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
cd "$folder"
cat > pom.xml <<'END'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>try</groupId>
  <artifactId>try</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>com.aliyun.oss</groupId><artifactId>aliyun-sdk-oss</artifactId><version>3.18.4</version></dependency>
  </dependencies>
</project>
END
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory=jars >&2 || exit 2

cat > Try.java <<'END'
import com.aliyun.oss.ClientBuilderConfiguration;
import com.aliyun.oss.ClientConfiguration;
import com.aliyun.oss.OSS;
import com.aliyun.oss.OSSClient;
import com.aliyun.oss.OSSClientBuilder;
import com.aliyun.oss.common.auth.DefaultCredentialProvider;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;

public class Try {
    static final String ENDPOINT = "http://oss.example.test";

    static String seen;

    static void ask(String name, OSS oss, String bucket) {
        oss.getObject(bucket, "latest.json");
        System.out.println(name + ", " + bucket + ": " + seen);
        oss.shutdown();
    }

    static <C extends ClientConfiguration> C proxied(C configuration, int port) {
        configuration.setProxyHost("127.0.0.1"); // so that no name has to be resolved
        configuration.setProxyPort(port);
        return configuration;
    }

    public static void main(String[] args) throws Exception {
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            seen = exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath() + ", Host " + exchange.getRequestHeaders().getFirst("Host");
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
        int port = server.getAddress().getPort();
        var key = new DefaultCredentialProvider("id", "secret");

        ask("ClientBuilderConfiguration", new OSSClientBuilder().build(ENDPOINT, key, proxied(new ClientBuilderConfiguration(), port)), "bucket-a");
        for (var bucket : new String[] {"bucket-a", "bucket-b"}) {
            ask("ClientConfiguration", new OSSClient(ENDPOINT, key, proxied(new ClientConfiguration(), port)), bucket);
        }
        var configuration = proxied(new ClientConfiguration(), port);
        configuration.setSupportCname(false);
        ask("ClientConfiguration, setSupportCname(false)", new OSSClient(ENDPOINT, key, configuration), "bucket-b");
        server.stop(0);
    }
}
END
now=$(java -cp 'jars/*' Try.java) || exit 2

cd "$OLDPWD"
before=$(sed -n 's/^#	//p' "$0")
echo "aliyun-sdk-oss 3.18.4:"
printf '%s\n' "$now"
if test "$now" != "$before"; then
	echo "No longer so. On 2026-11-29 it was:"
	printf '%s\n' "$before"
	exit 1
fi
echo "Still so."
