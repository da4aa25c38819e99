// Command minimal is the smallest function on the same SDKs: it makes their
// clients for each event and asks nobody. It is what a cold start is held against.
package main

import (
	"context"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/aliyun/aliyun-oss-go-sdk/oss"
	"github.com/aliyun/credentials-go/credentials"
	"github.com/aliyun/fc-runtime-go-sdk/fc"
)

func main() {
	fc.Start(func(ctx context.Context, event []byte) (int, error) {
		credential, err := credentials.NewCredential(new(credentials.Config).SetType("sts").
			SetAccessKeyId("a").SetAccessKeySecret("b").SetSecurityToken("c"))
		if err != nil {
			return 0, err
		}
		endpoint := "127.0.0.1:1"
		client, err := openapi.NewClient(&openapiutil.Config{Credential: credential, Endpoint: &endpoint})
		if err != nil {
			return 0, err
		}
		buckets, err := oss.New("https://"+endpoint, "a", "b")
		if err != nil {
			return 0, err
		}
		bucket, err := buckets.Bucket("bucket")
		if err == nil && len(event) == 1 { // never; so that the calls are linked
			_, err = client.CallApiWithCtx(ctx, nil, nil, &dara.RuntimeOptions{})
			bucket.PutObject("key", nil) //nolint:errcheck
			bucket.GetObject("key")      //nolint:errcheck
			bucket.ListObjectsV2()       //nolint:errcheck
		}
		return len(event), err
	})
}
